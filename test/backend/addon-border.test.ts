import { describe, expect, it } from "vitest";
import { type NativeSession, nativeAddon } from "../../src/backends/cpu/addon.ts";
import { compileModel } from "../../src/backends/cpu/plan.ts";
import { layerModel } from "./support/attention.ts";
import { limits, makeBatch, tokenIds } from "./support/programs.ts";

/** Calls of the addon as JavaScript could make them, past the types. */
async function withStep(
  use: (session: { [call in "argmax" | "read"]: (...values: unknown[]) => unknown }, step: number) => void,
) {
  const { native } = compileModel(layerModel().model, limits, 32, 1);
  const session: NativeSession = new (nativeAddon().Session)(native);
  const step = session.run(makeBatch([{ sequence: 0, from: 0, tokens: tokenIds(3) }], 1, 32, 8), false);
  try {
    use(session as never, step);
  } finally {
    session.release(step);
    await session.dispose();
  }
}

describe("the border of the addon", () => {
  const rows = Int32Array.of(0);
  const floats = new Float32Array(64);

  it.each([
    ["a Float32Array of tokens", [rows, floats, floats], "[argmax] tokens: expected an Int32Array, given another typed array"],
    ["no scores", [rows, rows], "[argmax] scores: expected a Float32Array, given undefined"],
    ["scores in a list", [rows, rows, [1]], "[argmax] scores: expected a Float32Array, given an object"],
    [
      "too little room",
      [Int32Array.of(0, 1), rows, floats],
      "[argmax] length of tokens and scores: expected at least 2, given 1",
    ],
    ["a row that is not there", [Int32Array.of(3), rows, floats], "[argmax] a row: expected 0 to 2, given 3"],
  ])("argmax refuses %s", async (_, values, message) => {
    await withStep((session, step) => expect(() => session.argmax(step, ...values)).toThrow(message));
  });

  it.each([
    ["an output that is not there", [7, rows, floats], "[read] output: expected 0 to 0, given 7"],
    ["an output by name", ["logits", rows, floats], "[read] output: expected 0 to 0, given logits"],
    ["an Int32Array to fill", [0, rows, rows], "[read] out: expected a Float32Array, given another typed array"],
    ["nothing to fill", [0, rows], "[read] out: expected a Float32Array, given undefined"],
    ["a negative row", [0, Int32Array.of(-1), floats], "[read] a row: expected 0 to 511, given -1"],
  ])("read refuses %s", async (_, values, message) => {
    await withStep((session, step) => expect(() => session.read(step, ...values)).toThrow(message));
  });

  it("argmax and read refuse a step that was never queued", async () => {
    await withStep((session) => {
      expect(() => session.argmax(99, rows, rows, floats)).toThrow("[session] step: expected a live one, given 99");
      expect(() => session.read("1", 0, rows, floats)).toThrow("[session] step: expected a live one, given 1");
    });
  });
});
