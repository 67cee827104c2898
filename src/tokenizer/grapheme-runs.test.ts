import { expect, test } from "vitest";
import { graphemeRuns } from "./grapheme-runs.ts";

test("graphemes are those of Intl.Segmenter, in long texts too", () => {
  let state = 5;
  const below = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pieces = [
    "a",
    "é",
    "e\u0301",
    "\r\n",
    "\n",
    "\r",
    " ",
    "か",
    "が",
    "か\u3099",
    "日",
    "👨‍👩‍👧",
    "🇯🇵",
    "🇺",
    "각",
    "ᄀ",
    "ᅡ",
    "ก",
    "ำ",
    "\u0600",
  ];
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  for (let round = 0; round < 60; round++) {
    let text = Array.from({ length: 1 + below(300) }, () => pieces[below(pieces.length)]).join("");
    if (round % 10 === 0) text += `a${"\u0301".repeat(3000)}`;
    const got: string[] = [];
    graphemeRuns(
      text,
      () => true,
      (start, end) => got.push(text.slice(start, end)),
    );
    expect(got).toEqual(Array.from(segmenter.segment(text), ({ segment }) => segment));
  }
});
