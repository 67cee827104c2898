import { expect, test, vi } from "vitest";
import { isMark, orderLongRuns, sortMarks } from "./combining-marks.ts";
import { alignForm, type Form, normalizeForm } from "./unicode-forms.ts";

const forms: Form[] = ["NFC", "NFD", "NFKC", "NFKD"];
/** Marks of many classes. Some decompose, some compose with a base, some have class 0, the last two only decompose compatibly. */
const marks = Array.from(
  "\u0300\u0301\u0302\u0308\u0316\u0327\u0334\u0344\u0345\u035c\u05b0\u05c1\u064b\u0670\u093c\u0903\u0f71\u0f73\u0f81\u1dce\u20dd\u3099\u302a\u{1d165}\u{1d16d}\uff9e\uff9f",
);

let seed = 1;
const random = (below: number) => {
  seed = (seed * 48271) % 0x7fffffff;
  return seed % below;
};
const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;

test("long runs of marks are put in order as String.normalize does, from any base and at any place", () => {
  for (let round = 0; round < 60; round++) {
    let text = "";
    while (text.length < 1800) {
      text += pick(["a", "ấ", "か", "한", "ㅏ", "\u1112\u1161", "𠮷", "x".repeat(random(700)), "\u0344", ""]);
      const kinds = Array.from({ length: 1 + random(6) }, () => pick(marks));
      for (let i = pick([3, 499, 500, 501, 900]); i > 0; i--) text += pick(kinds);
    }
    for (const form of forms) {
      const expected = text.normalize(form);
      expect(normalizeForm(text, form) === expected, form).toBe(true);
      const { text: aligned } = alignForm(text, form);
      if (form === "NFD" || form === "NFKD") expect(aligned === expected, `aligned ${form}`).toBe(true);
    }
  }
});

test("String.normalize never sees a long run that is out of order", () => {
  const native = String.prototype.normalize;
  let unordered = 0;
  let pairs = 0;
  const normalize = vi.spyOn(String.prototype, "normalize").mockImplementation(function (this: string, form?: string) {
    if (/(?:\u0316\u0327.{0,2}){5}/u.test(this)) unordered++;
    if (this.length === 2) pairs++;
    return native.call(this, form);
  });
  try {
    for (const form of forms) {
      expect(normalizeForm(`a${"\u0301\u0316\u0327\u0300".repeat(500)}b`, form)).toMatch(/\u0327{500}\u0316{500}\p{M}+b$/u);
      alignForm(`xa${"\u0301\u0316\u0327\u0300".repeat(500)}b`, form);
    }
    // Comparing marks asks it too, but not once for every two of a text.
    expect([unordered, pairs < 1000]).toEqual([0, true]);
  } finally {
    normalize.mockRestore();
  }
});

test("marks of the same class stay in their order", () => {
  const given = Array.from("\u0301\u0316\u0300\u0323\u0301\u0334");
  expect(sortMarks(given, (mark) => mark).join("")).toBe(given.join("").normalize("NFD"));
  expect([isMark("\u0301"), isMark("\u0903"), isMark("a")]).toEqual([true, false, false]);
});

test("shorter runs are left to String.normalize", () => {
  const text = `a${"\u0301\u0316".repeat(200)}`.repeat(5);
  expect(orderLongRuns(text, "NFD")).toBe(text);
});
