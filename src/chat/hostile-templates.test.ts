import { expect, test } from "vitest";
import { renderTemplate } from "./render-template.ts";

const big = "a".repeat(100_000);
const loop = (body: string) => `{% for i in range(100000) %}{% set x = ${body} %}{% endfor %}`;
const grow = (first: string, next: string, last: string) =>
  `{% set ns = namespace(x=${first}) %}{% for i in range(40) %}{% set ns.x = ${next} %}{% endfor %}${last}`;

/** Templates that would run for ever, or fill the memory: each is stopped by its budget, long before that. */
test.each([
  grow("[1]", "[ns.x, ns.x]", "{{ ns.x }}"),
  grow("[1]", "[ns.x, ns.x]", "{{ ns.x | tojson }}"),
  grow("(1,)", "(ns.x, ns.x)", "{{ {ns.x: 1} }}"),
  grow("'a'", "ns.x ~ ns.x", ""),
  grow("3", "ns.x * ns.x", ""),
  loop("'b' in big"),
  loop("big[::-1]"),
  loop("big | replace('a', 'bb')"),
  loop("big.split('a')"),
  loop("big == other"),
  loop("big | wordcount"),
  loop("big | int(0)"),
  loop("big | float(0)"),
  loop("big is lower"),
  loop("range(100000) | list"),
  loop("range(100000) | unique | list"),
  loop("(2 ** 900000) % 7"),
  "{{ 'a' * 10000000000 }}",
  "{{ [1] * 10000000000 }}",
  "{{ 'a'.center(10000000000) }}",
  "{{ 'a' | indent(10000000000) }}",
  "{{ '%10000000000d' % 1 }}",
  "{{ '{:10000000000}'.format(1) }}",
  "{{ [1] | slice(9999999999) | list }}",
  "{{ 10 ** 10000000000 }}",
  "{% block b %}{{ self.b() }}{% endblock %}",
  "{% for x in [[[]]] recursive %}{{ loop([x]) }}{% endfor %}",
  `{{ ${"(".repeat(100_000)}`,
  `{{ 1${" + 1".repeat(100_000)} }}`,
  `{{ big${" | upper".repeat(100_000)} }}`,
  "{% if 1 %}".repeat(50_000),
  "{% set ns = namespace(x=[]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
])("a hostile template is stopped: %.70s", (template) => {
  const run = () => renderTemplate(template, { big, other: "a".repeat(100_000) });
  expect(run).toThrow(expect.objectContaining({ code: "chat_template_failed" }));
});

test("an indent that is too wide is told as a text that is too long", () => {
  expect(() => renderTemplate("{{ 'a' | indent(1000000000) }}", {})).toThrow("a text of more than 33554432 characters");
});

/** Work that is large but honest, and linear: it ends with a text. */
test.each([
  "{% for i in range(big | length) %}{{ big[i] }}{% endfor %}",
  "{% for i in range(emoji | length) %}{{ emoji[i] }}{% endfor %}",
  "{{ big.split('a' * 50000 + 'b') | length }}",
  "{{ spaces | trim }}{{ spaces.split() | length }}{{ spaces | striptags }}",
  "{{ big | urlize }}{{ big | tojson }}{{ big | wordwrap(10) }}",
  `{{ ${"not ".repeat(100_000)}1 }}`,
  `{{ 'a'${" 'a'".repeat(100_000)} }}`,
])("large work ends with a text: %.70s", (template) => {
  const variables = { big, emoji: "😀".repeat(50_000), spaces: `a${" ".repeat(100_000)}b` };
  expect(renderTemplate(template, variables).length).toBeGreaterThan(0);
});
