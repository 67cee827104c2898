import { expect, test } from "vitest";
import { renderTemplate } from "../render-template.ts";

// the right sides are Python's
test.each([
  ["x.swapcase()", "ΑΣ", "ας"],
  ["x.swapcase()", "ΣΑΣ σας", "σας ΣΑΣ"],
  ["x.swapcase()", "Α'Σ'Α", "α'σ'α"],
  ["x.swapcase()", "ΑΣ\u0301.", "ας\u0301."],
  ["x.lower()", "Σ ΑΣ", "σ ας"],
  ["x.title()", "ΟΔΟΣ ΟΔΟΣ", "Οδος Οδος"],
  ["x.capitalize()", "ΑΣ", "Ας"],
  ["x.capitalize()", "ΣΣ", "Σς"],
  ["x | capitalize", "ΟΔΥΣΣΕΥΣ", "Οδυσσευς"],
  ["x | title", "ΟΔΥΣΣΕΥΣ-ΣΑΣ", "Οδυσσευς-Σας"],
  ["x | title", "'Σ ΣΣ", "'σ Σσ"],
])("%s of %s ends its words in the final sigma", (expression, x, expected) => {
  expect(renderTemplate(`{{ ${expression} }}`, { x })).toBe(expected);
});

test("many sigmas cost no more than their neighbours", () => {
  const x = "Σ'".repeat(100_000);
  expect(renderTemplate("{{ x.swapcase() | length }}", { x })).toBe("200000");
});
