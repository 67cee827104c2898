import { describe, expect, it } from "vitest";
import { parseJsonFile } from "./json-text.ts";

const parse = (text: string) => parseJsonFile(text, "config.json");

describe("parseJsonFile", () => {
  it.each<[string, unknown]>([
    ['{"a": [0.0, Infinity], "b": -Infinity, "c": NaN}', { a: [0, Infinity], b: -Infinity, c: Number.NaN }],
    ["NaN", Number.NaN],
    [
      '[ NaN ,\n{}, [ ], {"x" :\t-1.5e3}, true, false, null, "NaN", "\\"Infinity\\\\"]',
      [Number.NaN, {}, [], { x: -1500 }, true, false, null, "NaN", '"Infinity\\'],
    ],
    ['{"a": 1, "a": Infinity}', { a: Infinity }],
    ['\uFEFF{"a": 1}', { a: 1 }],
  ])("reads %s as Python does", (text, value) => {
    expect(parse(text)).toEqual(value);
    expect(parseJsonFile(new TextEncoder().encode(text), "x")).toEqual(value);
  });

  it("takes names of the prototype as names", () => {
    const value = parse('{"__proto__": NaN}') as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it.each([
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"],
    ["<!DOCTYPE html><html>", "web page"],
    ["\n <HTML lang=en>", "web page"],
    ["<?xml version='1.0'?>", "XML"],
    ["Entry not found", "server's error"],
    ["", "empty"],
    ["PK\u0003\u0004", "zip"],
    ['{\n  "a": 1,\n  "b": 2,\n}', "line 4, column 1: a name in double quotes"],
    ['{"a": 1\n "b": 2}', "line 2, column 2: a comma or } is expected"],
    ['{"a" 1}', "line 1, column 6: a colon"],
    ["{'a': 1}", "line 1, column 2: a name in double quotes"],
    ["{\"a\": 'x'}", "line 1, column 7: texts stand in double quotes"],
    ['{"a": [1, 2', "line 1, column 12: it ends in the middle"],
    ['{"a": ', "it ends in the middle"],
    ['{"a": "x', "line 1, column 7: a text is not closed"],
    ['{"a": "x\ny"}', "line 1, column 7: a text holds a control character"],
    ['{"a": "\\x41"}', "an escape that JSON does not have"],
    ['{"a": -NaN}', "a value is expected here"],
    ['{"a": inf}', "a value is expected here"],
    ['{"a": 01}', "a value is expected here"],
    ['{"a": .5}', "a value is expected here"],
    ['{"a": 1} x', "more behind the end"],
    ["[,1]", "a value is expected here"],
    ["[1,]", "line 1, column 4: a value is expected here"],
    ["[NaN,".repeat(2000), "more than 1000 objects and lists"],
  ])("says of %j what is wrong, and where", (text, problem) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "invalid_json_file", message: expect.stringContaining(problem) }),
    );
    expect(() => parse(text)).toThrow("config.json");
  });

  it("refuses what is no UTF-8", () => {
    expect(() => parseJsonFile(Uint8Array.of(0x22, 0xff, 0x22), "x")).toThrow(/not UTF-8/);
    expect(() => parseJsonFile(Uint8Array.of(0xff, 0xfe, 0x7b, 0), "x")).toThrow(/UTF-16/);
  });
});
