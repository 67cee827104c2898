import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTokenizer } from "../tokenizer/index.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { applyChatTemplate } from "./index.ts";

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/byte-level/${file}`, import.meta.url), "utf8"));
const render = (chatTemplate: unknown, options: object) => {
  const tokenizerConfig = { ...read("tokenizer_config.json"), chat_template: chatTemplate };
  const tokenizer = createTokenizer({ tokenizerJson: read("tokenizer.json"), tokenizerConfig }, { applyChatTemplate });
  return tokenizer.applyChatTemplate([{ role: "user", content: "Hi" }], { tokenize: false, ...options });
};

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

const plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
const tools = [{ type: "function", function: { name: "tools" } }];

test("what a template never reads is told once", () => {
  for (let round = 0; round < 3; round++) render(plain, { tools, documents: [{ title: "a", text: "b" }] });
  expect(warnings).toEqual(["The chat template never reads `tools`, `documents`: the model is not told of it."]);
  render(plain, { chatTemplateKwargs: { enable_thinking: false } });
  expect(warnings[1]).toContain("never reads `enable_thinking`");
});

test.each([
  "{% if tools %}{{ tools | tojson }}{% endif %}",
  "{% if tools is defined and false %}x{% endif %}",
  "{% macro list(items) %}{{ items }}{% endmacro %}{{ list(tools) }}",
  "{% set tools = tools or [] %}",
  "{% block head %}{% for t in tools %}{{ t }}{% endfor %}{% endblock %}",
  "{% call(x) f(tools) %}{% endcall %}{% macro f(x) %}{% endmacro %}",
])("a template that looks at them is trusted: %s", (template) => {
  try {
    render(template, { tools });
  } catch {
    // what it does with them is another matter
  }
  expect(warnings).toEqual([]);
});

test("a field or a text of that name does not count, nothing given says nothing", () => {
  render("{{ messages[0].tools }}{{ 'tools' }}{% set tools = 1 %}", { tools });
  expect(warnings).toHaveLength(1);
  for (const given of [{}, { tools: [] }, { documents: null }, { chatTemplateKwargs: { name: undefined } }])
    render(plain, given);
  expect(warnings).toHaveLength(1);
});

test("with several templates the chosen one counts", () => {
  const named = [
    { name: "default", template: plain },
    { name: "tool_use", template: "{{ tools }}" },
  ];
  render(named, { tools });
  expect(warnings).toEqual([]);
  render(named, { tools, chatTemplate: "default" });
  expect(warnings).toHaveLength(1);
});
