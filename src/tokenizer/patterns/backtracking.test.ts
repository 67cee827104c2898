import { expect, test } from "vitest";
import { isLinear } from "./backtracking.ts";
import { compilePattern } from "./index.ts";
import { parsePattern } from "./parse-pattern.ts";
import { unfold } from "./unfold.ts";

const linear = (pattern: string) => isLinear(unfold(parsePattern(pattern), pattern));

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;

test.each([
  ["GPT-2", String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`],
  ["Llama 3", String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|${spaces}`],
  ["Qwen", String.raw`${contractions}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${spaces}`],
  [
    "possessive",
    String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`,
  ],
  [
    "o200k",
    String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${contractions}?|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${contractions}?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${spaces}`,
  ],
  ["DeepSeek", String.raw`[!-\/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${spaces}`],
  ["BLOOM", " ?[^(\\s|[.,!?…。，、।۔،])]+"],
  ["runs of spaces", " {2,}"],
])("%s runs as a JavaScript expression", (_, pattern) => {
  expect(linear(pattern)).toBe(true);
});

const length = 20_000;
const run = "a".repeat(length);

test.each<[pattern: string, text: string, matches: number[]]>([
  ["(a+)+$", `${run}!`, []],
  ["(a+)+$", `!${run}`, [1, length + 1]],
  ["(a|aa)+b", `${run}c`, []],
  ["(a|a)*b", `${run}b`, [0, length + 1]],
  ["a*a*a*b", `${run}c`, []],
  ["(?:.*)*z", `${run}\nz`, [length + 1, length + 2]],
  ["(a*)*b", `${run}c`, []],
  ["x*y|xx", "x".repeat(length), Array.from({ length }, (_, i) => 2 * Math.ceil(i / 2))],
  [String.raw`\s+$`, `a${" ".repeat(length)}b `, [length + 2, length + 3]],
  ["(?=.*z)a", `${run}z`, Array.from({ length: 2 * length }, (_, i) => Math.ceil(i / 2))],
  ["(?<!b.*)c", `${"c".repeat(length)}`, Array.from({ length: 2 * length }, (_, i) => Math.ceil(i / 2))],
  ["(?>a+)b", `${run}c`, []],
  [String.raw`\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))`, "7".repeat(7), [0, 1, 1, 4, 4, 7]],
])("%s takes its time by the length of the text", (pattern, text, matches) => {
  expect(linear(pattern)).toBe(false);
  expect(compilePattern(pattern).matches(text)).toEqual(matches);
});

test.each([
  [String.raw`(\w+) \1`, "a reference in an expression that JavaScript cannot run, or not in good time"],
  ["(?:a{1,100}b?){1,100}", "more than 1000 steps, repetitions written out"],
  ["\\p{L}".repeat(2000), "more than 1000 steps, repetitions written out"],
  [`${"[".repeat(5000)}a${"]".repeat(5000)}`, "a class inside 20 others"],
  [`a${"{1,2}".repeat(5000)}`, "more than 8 repetitions of one another"],
  ["a".repeat(70_000), "more than 65536 characters"],
])("%.30s is refused by what would take long", (pattern, part) => {
  expect(() => compilePattern(pattern)).toThrow(
    expect.objectContaining({ code: "unsupported_tokenizer", message: expect.stringContaining(part) }),
  );
});

test("a refusal shows no more of a long pattern than its beginning", () => {
  expect(() => compilePattern(`${"x".repeat(10_000)}\\G`)).toThrow(/^.{1,400}$/);
  expect(() => compilePattern(`${"x".repeat(10_000)}(`)).toThrow(/^.{1,400}$/);
});

test("what takes no characters is not repeated a million million times", () => {
  expect(compilePattern("(?:(?:(?:){100000}){100000}){100000}a").matches("ba")).toEqual([1, 2]);
});

test("many alternatives that each repeat a character are not compared with one another without end", () => {
  const alternatives = Array.from({ length: 200 }, (_, i) => `${String.fromCodePoint(0x4e00 + i)}+x`);
  expect(linear(`${alternatives.join("|")}|\\S+`)).toBe(false);
});
