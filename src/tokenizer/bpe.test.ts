import { expect, test } from "vitest";
import { createBpe } from "./bpe.ts";
import { BpeMerges } from "./bpe-merges.ts";
import { byteCharacters } from "./byte-characters.ts";
import { createTokenizer } from "./index.ts";
import { finished } from "./slices.ts";

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A vocabulary over an alphabet with random merges, which may stand in any order. */
function randomModel(random: (below: number) => number, alphabet: readonly string[], merges: number) {
  const ids = new Map(alphabet.map((token, id) => [token, id]));
  const pairs = new Map<string, [string, string]>();
  for (let i = 0; i < merges; i++) {
    const tokens = [...ids.keys()];
    const [left = "", right = ""] = [tokens[random(tokens.length)], tokens[random(tokens.length)]];
    if (left.length + right.length > 9) continue;
    if (!ids.has(left + right)) ids.set(left + right, ids.size);
    pairs.set(`${left} ${right}`, [left, right]);
  }
  const list = [...pairs.values()];
  for (let i = list.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [list[i], list[j]] = [list[j] as [string, string], list[i] as [string, string]];
  }
  return { ids, merges: list };
}

/** All pairs looked at again and again: the definition of BPE. */
function mergeSimply(characters: readonly string[], merges: readonly [string, string][]): string[] {
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const tokens = [...characters];
  for (;;) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const rank = ranks.get(`${tokens[i]} ${tokens[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < least) [best, least] = [i, rank];
    }
    if (best < 0) return tokens;
    tokens.splice(best, 2, `${tokens[best]}${tokens[best + 1]}`);
  }
}

test("short and long words are merged in the order of ranks, from the left among equals", () => {
  const random = randomNumbers(1);
  for (let round = 0; round < 60; round++) {
    const alphabet = ["a", "b", "c"].slice(0, 1 + random(3));
    const { ids, merges } = randomModel(random, alphabet, 1 + random(30));
    const names = [...ids.keys()];
    const { tokenize } = finished(createBpe({ merges }, ids, { bytes: false }));
    for (const length of [1, 2, 7, 23, 24, 25, 26, 60, 300]) {
      const characters = Array.from({ length }, () => alphabet[random(alphabet.length)] as string);
      const { ids: got, ranges } = tokenize(characters.join(""), true, false);
      const want = mergeSimply(characters, merges);
      expect(got.map((id) => names[id])).toEqual(want);
      const ends = want.map((_, i) => want.slice(0, i + 1).join("").length);
      expect([...(ranges ?? [])]).toEqual(ends.flatMap((end, i) => [ends[i - 1] ?? 0, end]));
    }
  }
});

test("parts of a long word have the tokens of the whole, in characters and in bytes", () => {
  const random = randomNumbers(2);
  for (let round = 0; round < 40; round++) {
    const bytes = round % 2 === 1;
    const alphabet = bytes ? [...byteCharacters] : ["a", "b", "c", "d", "é"];
    const { ids, merges } = randomModel(random, alphabet, bytes ? 4000 : 12);
    ids.set("?", ids.size);
    const model = finished(createBpe({ merges, unk_token: "?", fuse_unk: round % 4 === 0 }, ids, { bytes }));
    const characters = bytes ? ["é", "日", "本", "a", "😀"] : ["a", "b", "c", "d", "é", "x", "😀"];
    const word = Array.from({ length: 400 }, () => characters[random(characters.length)]).join("");
    const parts = [...(model.partsOf?.(word) ?? [])];
    expect(parts.join("")).toBe(word);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.flatMap((part) => model.tokenize(part, false, true).ids)).toEqual(model.tokenize(word, false, true).ids);
  }
});

test("a run of 100,000 equal symbols is merged in slices", () => {
  const merges = finished(BpeMerges.of(Int32Array.of(0, 0, 1, 1, 1, 2, 2, 2, 3)));
  const count = 100_000;
  const work = merges.steps(new Int32Array(count), count);
  let slices = 0;
  let step = work.next();
  for (; !step.done; step = work.next()) slices++;
  expect(step.value.ids).toEqual(new Array(count / 8).fill(3));
  expect(slices).toBeGreaterThan(20);
  // Each merge adds two pairs to the queue at most.
  expect(slices).toBeLessThan((3 * count) / 4000);
  expect(finished(merges.steps(new Int32Array(7), 7)).ids).toEqual([2, 1, 0]);
});

test("`ignore_merges` holds for words, not for the parts that long ones are cut into", () => {
  const words = ["abab", "x".repeat(80)];
  const ids = new Map(["a", "b", "x", ...words].map((token, id) => [token, id]));
  const tokenizer = createTokenizer({
    tokenizerJson: { model: { type: "BPE", vocab: Object.fromEntries(ids), merges: [], ignore_merges: true } },
  });
  expect(tokenizer.encode("abab")).toEqual([3]);
  expect(tokenizer.encode("x".repeat(80))).toEqual([4]);
  expect(tokenizer.encode(`abab${"x".repeat(70)}`)).toEqual([0, 1, 0, 1, ...new Array(70).fill(2)]);
});

test("dropout, which would make tokens a matter of chance, is refused", () => {
  const model = { type: "BPE", vocab: { a: 0 }, merges: [], dropout: 0.1 };
  expect(() => createTokenizer({ tokenizerJson: { model } })).toThrow("dropout");
});
