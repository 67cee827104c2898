import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveSettings } from "../decoding/resolve-settings.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { readInputs } from "./inputs.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

const read = (ids: unknown, mask?: unknown, options: object = {}) =>
  readInputs(ids, mask, {
    vocabularySize: 100,
    settings: resolveSettings({ bosTokenId: 1, eosTokenId: 2, padTokenId: 0, ...options }, {}, {}),
  });
const tokens = (...given: Parameters<typeof read>) => read(...given).map((row) => row.tokens);

describe("shapes", () => {
  test("one row or many, arrays or typed arrays", () => {
    expect(tokens([5, 6])).toEqual([[5, 6]]);
    expect(tokens([[5, 6]])).toEqual([[5, 6]]);
    expect(tokens(Int32Array.of(5, 6))).toEqual([[5, 6]]);
    expect(tokens([BigInt64Array.of(5n, 6n), Int32Array.of(7, 8)], [[1, 1], Uint8Array.of(1, 1)])).toEqual([
      [5, 6],
      [7, 8],
    ]);
  });

  test("no input starts from BOS", () => {
    expect(tokens(undefined)).toEqual([[1]]);
    expect(tokens([])).toEqual([[1]]);
    expect(tokens([[], []])).toEqual([[1], [1]]);
    expect(() => read(undefined, undefined, { bosTokenId: null })).toThrow("no `bosTokenId` to start from");
  });

  test.each([
    [[[5], [5, 6]], undefined, "row 0 has 1 ids, row 1 has 2"],
    [[5, 100], undefined, "Id 1 of row 0 of `inputIds` must be a whole number from 0 to 99. Given: 100."],
    [[5, -1], undefined, "Given: -1."],
    [[5, 1.5], undefined, "Given: 1.5."],
    ["text", undefined, "`inputIds` must be a row of ids or a list of rows. Given: text."],
    [[[5], 6], undefined, "Row 1 of `inputIds` must be a row of ids. Given: 6."],
    [[[5, 6]], [[1]], "`attentionMask` must be of the shape of `inputIds`, 1 rows of 2. Given: 1 rows of 1."],
    [[[5, 6]], [[1, 2]], "`attentionMask` must be made of 0 and 1. Given: 2."],
    [[[5, 6]], [[0, 0]], "Row 0 of `inputIds` must be a row with at least one token that is not a pad. Given: only pads."],
  ])("refuses %j with mask %j", (ids, mask, message) => {
    expect(() => read(ids, mask)).toThrow(message);
  });
});

describe("pads", () => {
  test("the mask decides, on either side", () => {
    const rows = read([[0, 0, 5, 6, 9]], [[0, 0, 1, 1, 0]]);
    expect(rows).toEqual([{ padded: [0, 0, 5, 6, 9], tokens: [5, 6], places: [2, 3] }]);
  });

  test("without a mask, pad ids are pads", () => {
    expect(
      tokens([
        [0, 5],
        [6, 7],
      ]),
    ).toEqual([[5], [6, 7]]);
    expect(warnings).toEqual([]);
  });

  test("unless they are end tokens too; then a batch gets a warning", () => {
    expect(
      tokens(
        [
          [2, 5],
          [6, 7],
        ],
        undefined,
        { padTokenId: 2 },
      ),
    ).toEqual([
      [2, 5],
      [6, 7],
    ]);
    expect(warnings).toHaveLength(1);
  });

  test("right padding of a batch warns once", () => {
    for (let i = 0; i < 2; i++) {
      read(
        [
          [5, 0],
          [6, 7],
        ],
        [
          [1, 0],
          [1, 1],
        ],
      );
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("padded on the right");
  });
});
