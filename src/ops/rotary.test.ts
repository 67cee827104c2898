import { describe, expect, it } from "vitest";
import { batchOf, isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { ropeAttributes } from "../layers/rope.ts";
import { rotary } from "./rotary.ts";
import { frequenciesAt } from "./rotary-table.ts";

const base = { heads: 1, headDim: 4, rotaryDim: 4, interleaved: false, scaling: 1, frequencies: [1, 0.5] };
const x = [1, 2, 3, 4];
const turn = (a: number, b: number, angle: number) => [
  a * Math.cos(angle) - b * Math.sin(angle),
  b * Math.cos(angle) + a * Math.sin(angle),
];

describe("rotary", () => {
  const batch = batchOf([{ first: 3, tokens: [0] }]);
  it("turns pairs of halves", () => {
    const [a, b] = [turn(1, 3, 3), turn(2, 4, 1.5)];
    const [got] = runOp("rotary", { inputs: [tensor([1, 4], x)], attributes: base, batch });
    expect(isClose(got!, [a[0]!, b[0]!, a[1]!, b[1]!])).toBe(true);
  });
  it("turns neighbours when interleaved, and scales", () => {
    const [got] = runOp("rotary", {
      inputs: [tensor([1, 4], x)],
      attributes: { ...base, interleaved: true, scaling: 2 },
      batch,
    });
    expect(
      isClose(
        got!,
        [...turn(1, 2, 3), ...turn(3, 4, 1.5)].map((value) => 2 * value),
      ),
    ).toBe(true);
  });
  it("leaves the rest of each head alone", () => {
    const attributes = { ...base, heads: 2, rotaryDim: 2, frequencies: [1] };
    const [got] = runOp("rotary", { inputs: [tensor([1, 8], [...x, ...x])], attributes, batch });
    const head = [...turn(1, 2, 3), 3, 4];
    expect(isClose(got!, [...head, ...head])).toBe(true);
  });
  it("refuses frequencies and dynamic attributes that do not fit", () => {
    const run = (attributes: Record<string, unknown>) => () =>
      runOp("rotary", { inputs: [tensor([1, 4], x)], attributes: { ...base, ...attributes } as typeof base, batch });
    expect(run({ frequencies: [1] })).toThrow("number of frequencies");
    expect(run({ rotaryDim: 6 })).toThrow("rotaryDim");
    expect(run({ dynamicBase: 10 })).toThrow("dynamic attributes");
  });
});

describe("dynamic NTK", () => {
  const dynamic = ropeAttributes({ kind: "dynamic", theta: 10000, factor: 2, originalLength: 128 }, 16);
  const attributes = rotary.values({ ...dynamic, heads: 1, headDim: 16 });
  // from transformers' dynamic rope of length 300
  const grown = [1, 0.262445, 0.06887737, 0.01807652, 0.004744092, 0.0012450633, 0.00032676064, 8.5756685e-5];
  it("changes frequencies above the original length only", () => {
    expect(isClose([...frequenciesAt(attributes, 300)], grown, 1e-7)).toBe(true);
    expect(frequenciesAt(attributes, 128)).toBe(attributes.frequencies);
  });
  it("turns a prompt with its whole length, whatever the chunk", () => {
    const head = Array.from({ length: 16 }, (_, i) => i + 1);
    const at = (first: number, promptLength: number) =>
      runOp("rotary", {
        inputs: [tensor([1, 16], head)],
        attributes,
        batch: batchOf([{ first, tokens: [0], promptLength }]),
      })[0]!;
    expect(at(5, 300)).toEqual(
      runOp("rotary", {
        inputs: [tensor([1, 16], head)],
        attributes: {
          heads: 1,
          headDim: 16,
          rotaryDim: 16,
          interleaved: false,
          scaling: 1,
          frequencies: [...frequenciesAt(attributes, 300)],
        },
        batch: batchOf([{ first: 5, tokens: [0] }]),
      })[0],
    );
    expect(at(5, 300)).not.toEqual(at(5, 128));
    expect(at(299, 10)).toEqual(at(299, 300));
  });
});

describe("longrope", () => {
  const head = [1, 2, 3, 4];
  const base = { heads: 1, headDim: 4, rotaryDim: 4, interleaved: false, scaling: 1 };
  const attributes = { ...base, frequencies: [1, 0.5], longFrequencies: [0.25, 0.125], longLength: 8 };
  const at = (first: number, promptLength: number, more = {}) =>
    runOp("rotary", {
      inputs: [tensor([1, 4], head)],
      attributes: { ...attributes, ...more },
      batch: batchOf([{ first, tokens: [0], promptLength }]),
    })[0]!;
  it("turns by the length of the prompt, or by the position where that is longer", () => {
    const onlyShort = { longFrequencies: [1, 0.5] };
    const onlyLong = { frequencies: [0.25, 0.125] };
    expect(at(3, 8)).toEqual(at(3, 8, onlyShort));
    expect(at(7, 4)).toEqual(at(7, 4, onlyShort));
    expect(at(3, 9)).toEqual(at(3, 9, onlyLong));
    expect(at(8, 4)).toEqual(at(8, 4, onlyLong));
    expect(at(3, 9)).not.toEqual(at(3, 8));
  });
  it("refuses half of its attributes", () => {
    expect(() => at(0, 1, { longLength: undefined })).toThrow("longLength");
    expect(() => at(0, 1, { longFrequencies: undefined })).toThrow("longFrequencies");
    expect(() => at(0, 1, { longFrequencies: [1] })).toThrow("number of longFrequencies");
  });
});
