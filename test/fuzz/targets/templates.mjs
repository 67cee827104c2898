/** Chat templates, and the conversations that they show. */
import { mutateJson } from "../mutate-json.mjs";
import { mutateText } from "../mutate-text.mjs";
import { readFixture } from "./folders.mjs";

const { templates, conversations, tools } = readFixture("chat/published.json");
const small = readFixture("chat/jinja.json").cases.map((entry) =>
  Array.isArray(entry) ? entry[0] : (entry.template ?? entry.source),
);
const sources = Object.values(templates).filter((template) => typeof template === "string");
const talks = Object.values(conversations);

const snippets = [
  ...[
    "{% for i in range(10000000) %}",
    "{% endfor %}",
    "{% if x %}",
    "{% endif %}",
    "{% else %}",
    "{%- set x = x ~ x -%}",
    "{{ x }}",
  ],
  ...[
    "{% set ns = namespace(x=[1]) %}",
    "{% set ns.x = [ns.x, ns.x] %}",
    "{% macro m(a, b=1) %}",
    "{% endmacro %}",
    "{{ m(1) }}",
  ],
  ...[
    "{{ 'a' * 100000 }}",
    "{{ messages | tojson(indent=4) }}",
    "{{ messages[0].content[::-1] }}",
    "{{ 10 ** 10000 }}",
    "|trim",
    "|upper",
  ],
  ...[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "|",
    "~",
    "%",
    "**",
    "//",
    " in ",
    " is ",
    " not ",
    " if ",
    " else ",
    ".x",
    "[0]",
    "[-1:]",
  ],
  ...[
    "{#",
    "#}",
    "{% raw %}",
    "{% endraw %}",
    "{% generation %}",
    "{% endgeneration %}",
    "\\",
    "\u0000",
    "😀",
    "{{ loop.index }}",
  ],
  ...[
    "{{ strftime_now('%Y %j %c') }}",
    "{{ raise_exception('no') }}",
    "{{ '%5000000d' | format(1) }}",
    "{{ '{:>9999999}'.format(1) }}",
  ],
  ...[
    "|replace('a', 'aaaa')",
    "|batch(3)|list",
    "|groupby('role')",
    "|map(attribute='content')|join",
    "|sort(attribute='role')",
    "|indent(99)",
  ],
];

/** @type {import("./index.mjs").Target} */
export const templatesTarget = {
  async run({ random, shared, tsumugi }) {
    shared.tokenizer ??= tsumugi.AutoTokenizer.fromPretrained("tsumugi-mini");
    const tokenizer = await shared.tokenizer;
    const [template, other] = [random.pick(random.chance(0.6) ? sources : small), random.pick(sources)];
    const conversation = random.pick(talks);
    const messages = random.chance(0.3) ? mutateJson(conversation, random) : conversation;
    tokenizer.applyChatTemplate(messages, {
      tokenize: false,
      chatTemplate: random.chance(0.9) ? mutateText(template, other, snippets, random) : template,
      addGenerationPrompt: random.chance(0.5),
      ...(random.chance(0.3) && { tools: random.chance(0.5) ? mutateJson(tools, random) : tools }),
    });
  },
};
