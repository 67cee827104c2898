/** Patterns against the Rust library's answers (made by tools/golden/make_pattern_fixtures.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TsumugiError } from "../../errors.ts";
import { casedCharacters, foldOf, variantsOf } from "./case-variants.ts";
import { compilePattern, patternOf } from "./index.ts";
import { machineCode } from "./machine-code.ts";
import { parsePattern } from "./parse-pattern.ts";
import { machinePattern } from "./text-pattern.ts";
import { unfold } from "./unfold.ts";

interface Golden {
  texts: string[];
  /** What the pattern matches in each text; null where the library refuses the pattern. */
  cases: { pattern: string; matches: string[][] | null }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/tokenizers-parts/patterns.json", import.meta.url), "utf8"),
);

/** What a pattern matches in every text, without empty matches; or the error that it is refused with. */
function attempt(pattern: string, compile = compilePattern): string[][] | TsumugiError {
  try {
    const compiled = compile(pattern);
    return golden.texts.map((text) => {
      const places = compiled.matches(text);
      return places.flatMap((start, i) => (i % 2 === 0 && places[i + 1] !== start ? text.slice(start, places[i + 1]) : []));
    });
  } catch (error) {
    if (TsumugiError.isInstance(error)) return error;
    throw error;
  }
}

const byMachine = (pattern: string) => machinePattern(machineCode(unfold(parsePattern(pattern), pattern), pattern));

test.each([
  ["compiled", compilePattern, 0],
  ["run by the machine", byMachine, 0.02],
])("every pattern, %s, matches what the tokenizers library matches", (_, compile, refusable) => {
  expect(golden.cases.length).toBeGreaterThan(400);
  const taken = golden.cases.filter(({ matches }) => matches !== null);
  const answers = taken.map(({ pattern, matches }) => ({ pattern, matches, got: attempt(pattern, compile) }));
  const different = answers.filter(({ matches, got }) => Array.isArray(got) && JSON.stringify(got) !== JSON.stringify(matches));
  expect(different).toEqual([]);
  const refused = answers.flatMap(({ got }) => (Array.isArray(got) ? [] : [got]));
  for (const { code, message } of refused) expect(code, message).toBe("unsupported_tokenizer");
  expect(refused.length / taken.length).toBeLessThanOrEqual(refusable);
});

test("what the library refuses is refused", () => {
  const refused = golden.cases.filter(({ matches }) => matches === null);
  expect(refused.length).toBeGreaterThan(20);
  expect(refused.filter(({ pattern }) => Array.isArray(attempt(pattern)))).toEqual([]);
});

test.each([
  ["a\\Gb", "\\G"],
  ["a\\Kb", "\\K"],
  ["\\ya", "\\y"],
  ["(?<n>a)\\g<n>", "\\g"],
  ["(a)|b\\1", "the reference \\1"],
  ["(a)?\\1", "the reference \\1"],
  ["(?~ab)", "(?~ab"],
  ["(?(1)a|b)(a)", "(?(1"],
  ["(?W:\\w)", "(?W:\\w"],
  ["(*FAIL)", "(*F"],
  ["\\p{In_Basic_Latin}", "\\p{In_Basic_Latin}"],
  ["\\M-a", "\\M"],
  ["[a-[b]]", "a range that ends with a class"],
])("compilePattern refuses %s by the name of its part", (pattern, part) => {
  const message = `${part} in a regular expression is not supported. Given: ${pattern}`;
  expect(() => compilePattern(pattern)).toThrow(
    expect.objectContaining({ code: "unsupported_tokenizer", message: expect.stringContaining(message) }),
  );
});

test.each([
  ["(a", "has a group without its end"],
  ["a)", "closes a group that it did not open"],
  ["[a", "has a class without its end"],
  ["*a", "repeats nothing"],
  ["^*", "repeats a place"],
  ["a\\", "ends in a backslash"],
  ["[b-a]", "has an empty range"],
  ["a{100001}", "repeats something more than 100000 times"],
  ["(?<!(a))b", "captures inside (?<!"],
])("compilePattern says what is wrong with %s", (pattern, problem) => {
  expect(() => compilePattern(pattern)).toThrow(
    expect.objectContaining({ code: "invalid_tokenizer_file", message: expect.stringContaining(problem) }),
  );
});

test("the short list of variants of ASCII is what Unicode's case folding gives", () => {
  const cased = casedCharacters().filter((character) => /^[\0-\x7f]+$/.test(foldOf(character)));
  expect(cased.length).toBeGreaterThan(52);
  const folds = new Set(cased.map(foldOf));
  for (const folded of folds) {
    const same = cased.filter((character) => foldOf(character) === folded);
    expect([...variantsOf(folded)].sort(), folded).toEqual(same.sort());
  }
});

test("patternOf takes a string literally and refuses what is no pattern", () => {
  expect(patternOf({ String: "a.b|" })!.matches("a.b|a-b")).toEqual([0, 4]);
  expect(patternOf({ Other: "a" })).toBeUndefined();
  expect(patternOf("a")).toBeUndefined();
});
