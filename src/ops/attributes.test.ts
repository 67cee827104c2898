import { describe, expect, it } from "vitest";
import { type AttributeSchema, checkAttributes } from "./attributes.ts";
import { defineOp } from "./definition.ts";
import type { Attributes } from "./program.ts";

const schema = {
  size: { kind: "count" },
  first: { kind: "index", default: 0 },
  shift: { kind: "integer", optional: true },
  factor: { kind: "number", default: 1.5 },
  isBent: { kind: "flag" },
  isCausal: { kind: "flag", default: true },
  slopes: { kind: "numbers", optional: true },
  mode: { kind: "name", names: ["one", "two"], optional: true },
} satisfies AttributeSchema;

const read = (given: Attributes) => checkAttributes("toy", schema, given);

describe("attributes of an op", () => {
  it("have their defaults where they are absent or undefined", () => {
    const defaults = { size: 3, first: 0, factor: 1.5, isBent: false, isCausal: true };
    expect(read({ size: 3 })).toEqual(defaults);
    expect(read({ size: 3, first: undefined, mode: undefined, unknown: undefined })).toEqual(defaults);
  });

  it("keep what is given", () => {
    const given = { size: 1, first: 2, shift: -4, factor: -0.5, isBent: true, isCausal: false, slopes: [1, 2], mode: "two" };
    expect(read(given)).toEqual(given);
  });

  it.each<[Attributes, string]>([
    [{}, "[toy] attribute `size`: expected a positive integer, given nothing"],
    [{ size: 0 }, "[toy] attribute `size`: expected a positive integer, given 0"],
    [{ size: 1, first: -1 }, "[toy] attribute `first`: expected 0 or a positive integer, given -1"],
    [{ size: 1, shift: 0.5 }, "[toy] attribute `shift`: expected an integer, given 0.5"],
    [{ size: 1, factor: Number.NaN }, "[toy] attribute `factor`: expected a number, given"],
    [{ size: 1, factor: "2" }, "[toy] attribute `factor`: expected a number, given 2"],
    [{ size: 1, isBent: 1 }, "[toy] attribute `isBent`: expected a boolean, given 1"],
    [{ size: 1, slopes: 2 }, "[toy] attribute `slopes`: expected a list of numbers, given 2"],
    [{ size: 1, mode: "three" }, "[toy] attribute `mode`: expected"],
    [{ size: 1, colour: 3 }, "[toy] attribute `colour`: expected one of size, first, "],
  ])("refuse %o", (given, message) => {
    expect(() => read(given)).toThrow(message);
    expect(() => read(given)).toThrow(expect.objectContaining({ code: "op_invalid" }));
  });

  it("are checked once for each object, and reach shapes and reference with their defaults", () => {
    const seen: unknown[] = [];
    const op = defineOp({
      name: "toy",
      attributes: schema,
      shapes: (_, __, attributes) => {
        seen.push(attributes);
        return [[attributes.size]];
      },
      reference: ({ attributes }) => void seen.push(attributes),
    });
    const given = { size: 2 };
    expect(op.shapes([], [], given)).toEqual([[2]]);
    op.reference({
      inputs: [],
      outputs: [],
      weights: [],
      state: [],
      attributes: given,
      batch: {} as never,
      round: (x) => x,
      rounds: false,
    });
    expect(seen).toEqual([op.values(given), op.values(given)]);
    expect(seen[0]).toBe(seen[1]);
  });
});
