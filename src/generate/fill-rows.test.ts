import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveSettings } from "../decoding/resolve-settings.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { fillRows } from "./fill-rows.ts";
import type { GeneratedRow } from "./generated-row.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

const rows = [[3, 4, 5], [6]].map((newTokens) => ({ newTokens }) as GeneratedRow);
/** What the short row of the two is filled with. */
const pad = (options: object) => {
  const filled = fillRows(rows, resolveSettings(options, {}, {}));
  expect(filled.map((row) => row.length)).toEqual([3, 3]);
  expect(filled[1]!.slice(0, 1)).toEqual([6]);
  return filled[1]!.slice(1);
};

test("rows are filled with padTokenId, else with the first end token, else with 0 and a warning", () => {
  expect(pad({ padTokenId: 0, eosTokenId: [2, 3] })).toEqual([0, 0]);
  expect(pad({ eosTokenId: [2, 3] })).toEqual([2, 2]);
  expect(warnings).toEqual([]);
  expect(pad({})).toEqual([0, 0]);
  expect(warnings).toHaveLength(1);
});

test("beams take 0 for no pad, but not the older searches, and −1 where nothing ends a row", () => {
  const numBeams = 2;
  expect(pad({ numBeams, padTokenId: 0, eosTokenId: 2 })).toEqual([2, 2]);
  expect(pad({ numBeams, padTokenId: 9, eosTokenId: 2 })).toEqual([9, 9]);
  expect(pad({ numBeams, padTokenId: 9 })).toEqual([-1, -1]);
  expect(pad({ numBeams, padTokenId: 0, eosTokenId: 2, forceWordsIds: [[3]] })).toEqual([0, 0]);
  expect(warnings).toEqual([]);
});

test("more rows than a call can have arguments are filled too", () => {
  const many = Array.from({ length: 300_000 }, () => ({ newTokens: [1] }) as unknown as GeneratedRow);
  expect(fillRows(many, resolveSettings({}, {}, {}))).toHaveLength(300_000);
});
