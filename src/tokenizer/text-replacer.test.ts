import { expect, test, vi } from "vitest";
import { createReplacer, type Replacement } from "./text-replacer.ts";

const inTurn = (text: string, list: readonly Replacement[]) =>
  list.reduce((done, [from, to]) => done.replaceAll(from, () => to), text);

test("gives what one replaceAll after another gives, also where texts overlap or stand in what was written", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed % below;
  };
  const word = (letters: string[], most: number, least = 1) =>
    Array.from({ length: least + random(most) }, () => letters[random(letters.length)]).join("");
  for (let round = 0; round < 3000; round++) {
    const letters = ["a", "b", "😀", "👩", "<", ">"].slice(0, 2 + random(5));
    const tags = random(2) ? ["x", "<", ">", "$&"] : ["x", "y"];
    const list = Array.from({ length: 1 + random(8) }, (): Replacement => [word(letters, 4), word(tags, 3, random(8) ? 1 : 0)]);
    const text = word([...letters, "x"], 40);
    expect(createReplacer(list)(text), JSON.stringify([text, list])).toBe(inTurn(text, list));
  }
});

test("a table of many emoji is one pass", () => {
  const list = Array.from({ length: 3000 }, (_, i): Replacement => [String.fromCodePoint(0x1f000 + i), `<|emoji${i}|>`]);
  const replaceAll = vi.spyOn(String.prototype, "replaceAll");
  try {
    expect(createReplacer(list)("\u{1f000}\u{1f001}a".repeat(3))).toBe("<|emoji0|><|emoji1|>a".repeat(3));
    expect(replaceAll).not.toHaveBeenCalled();
  } finally {
    replaceAll.mockRestore();
  }
});
