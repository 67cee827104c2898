import { describe, expect, it } from "vitest";
import { printable } from "./printable.ts";

describe("printable", () => {
  it.each([
    ["plain text, 日本語 and 😀", "plain text, 日本語 and 😀"],
    ["\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"],
    ["two\r\nlines\tand a tab", "two\\x0d\\nlines\\tand a tab"],
    ["\x7f\x80\x9b2J", "\\x7f\\x80\\x9b2J"],
    ["a\u202eb\u2066c\u2028d", "a\\u202eb\\u2066c\\u2028d"],
    ["\ud800 alone", "\\ud800 alone"],
  ])("%j", (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it("cuts long text", () => {
    expect(printable("a".repeat(500), 10)).toBe(`${"a".repeat(10)}…`);
    // a pair that is cut apart is not printed as half a character
    expect(printable("a😀", 2)).toBe("a\\ud83d…");
  });
});
