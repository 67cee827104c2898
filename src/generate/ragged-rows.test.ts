import { expect, test } from "vitest";
import { fakeModel } from "../../test/helpers/fake-session.ts";
import { resolveSettings } from "../decoding/resolve-settings.ts";
import { readInputs } from "./inputs.ts";
import { promptsOfRows } from "./ragged-rows.ts";

const model = fakeModel({ vocabularySize: 100 });
const settings = resolveSettings({ bosTokenId: 1, decoderStartTokenId: 7 }, {}, {});
const encoderDecoder = { ...model, programs: { ...model.programs, encode: model.programs.decode } };

test("ragged rows are the prompts that their padded batch would be", () => {
  const rows = [[5], [6, 7, 8]];
  const left = promptsOfRows(rows, { id: 9, side: "left" }, model, settings);
  expect(left).toEqual([
    { padded: [9, 9, 5], tokens: [5], places: [2] },
    { padded: [6, 7, 8], tokens: [6, 7, 8], places: [0, 1, 2] },
  ]);
  const mask = [
    [0, 0, 1],
    [1, 1, 1],
  ];
  const padded = left.map((row) => row.padded);
  expect(left).toEqual(readInputs(padded, mask, { vocabularySize: 100, settings }));
});

test("what an encoder reads keeps its pads behind; its decoder begins with decoderStartTokenId", () => {
  const [row] = promptsOfRows([[5], [6, 7]], { id: 9, side: "right" }, encoderDecoder, settings);
  expect(row).toEqual({
    padded: [7],
    tokens: [7],
    places: [0],
    encoder: { padded: [5, 9], tokens: [5], places: [0] },
  });
  expect(() => promptsOfRows([[]], undefined, encoderDecoder, settings)).toThrow("what the encoder reads");
});

test("empty rows start from BOS where all are empty, and are refused beside others", () => {
  expect(promptsOfRows([[]], undefined, model, settings)).toEqual([{ padded: [1], tokens: [1], places: [0] }]);
  expect(() => promptsOfRows([[5], []], { id: 9, side: "left" }, model, settings)).toThrow("only pads");
});

test("tokens that the model does not have are named by their place; pads may be any id", () => {
  expect(() => promptsOfRows([[5], [6, 100]], { id: 999, side: "left" }, model, settings)).toThrow("Id 1 of row 1");
  expect(promptsOfRows([[5], [6, 7]], { id: 999, side: "left" }, model, settings)[0]!.padded).toEqual([999, 5]);
});
