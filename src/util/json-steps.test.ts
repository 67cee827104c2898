import { expect, test } from "vitest";
import { parseJsonInSteps } from "./json-steps.ts";

/** The value, and how many steps it took. */
function parsed(text: string): { value: unknown; steps: number } {
  const work = parseJsonInSteps(text, ["vocab", "merges"]);
  for (let steps = 0; ; steps++) {
    const step = work.next();
    if (step.done) return { value: step.value, steps };
  }
}

/** Odd tokens, and enough of them to fill a megabyte. */
const odd = [
  '"',
  "\\",
  '\\"',
  "\\\\",
  '", "vocab": {',
  "}",
  "]",
  "\n",
  "日本",
  "😀",
  "__proto__",
  "12",
  ",",
  ":",
  "\u{F0000}table 0",
];
const tokens = [...odd, ...Array.from({ length: 45_000 }, (_, index) => `token number ${index}`)];
const vocab = Object.fromEntries(tokens.filter((token) => token !== "__proto__").map((token, id) => [token, id]));
const rest = { version: "1.0", template: '{"vocab": {"a": 1}}', nested: { list: [1, null, "x"] } };

const asMap = (value: unknown) => new Map(Object.entries(value as object));

test.each([
  ["an object of ids", vocab, asMap(vocab)],
  ["a list of pieces and scores", tokens.map((token, id) => [token, -(id + 1) / 7]), undefined],
])("%s is parsed in steps, pretty and compact", (_, table, map) => {
  for (const space of [0, 2]) {
    const merges = tokens.map((token) => [token, "b"]);
    const file = { ...rest, model: { type: "any", vocab: table, merges, after: true }, last: "\u2028" };
    const { value, steps } = parsed(JSON.stringify(file, null, space));
    expect(value).toEqual({ ...file, model: { ...file.model, vocab: map ?? table } });
    expect(steps).toBeGreaterThan(80);
  }
});

test("merges may be texts, a token may be named __proto__, and of equal tokens the last counts", () => {
  const merges = tokens.map((token) => `${token} b`);
  const text = JSON.stringify({ merges, vocab: { a: 1 } }).replace('{"a":1}', '{"a":1,"__proto__":2,"a":3}');
  const table = new Map([
    ["a", 3],
    ["__proto__", 2],
  ]);
  expect(parsed(text).value).toEqual({ merges, vocab: table });
});

test.each([
  ["small", JSON.stringify({ vocab: { a: 1 } })],
  ["without tables", JSON.stringify({ texts: tokens })],
  ["cut off", JSON.stringify({ vocab }).slice(0, -40)],
  ["with a value of another kind", JSON.stringify({ vocab: { ...vocab, z: [] } })],
  ["with an escape that JSON does not have", JSON.stringify({ vocab }).replace("token number 44000", "\\x")],
  ["with a comma too many", JSON.stringify({ vocab }).replace(/}}$/, ",}}")],
  ["with more behind its end", `${JSON.stringify({ vocab })} x`],
  ["with a byte order mark", `\uFEFF${JSON.stringify({ vocab })}`],
])("a text that is %s is left to JSON.parse", (_, text) => {
  expect(parsed(text).value).toBeUndefined();
});
