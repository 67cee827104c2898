import { describe, expect, it } from "vitest";
import { type NativeSession, nativeAddon } from "../../src/backends/cpu/addon.ts";
import { compileModel } from "../../src/backends/cpu/plan.ts";
import { layerModel } from "./support/attention.ts";
import { limits, makeBatch, tokenIds } from "./support/programs.ts";

/** Calls of the addon as JavaScript could make them, past the types. */
async function withStep(
  use: (session: { [call in "sample" | "read"]: (...values: unknown[]) => unknown }, step: number) => void,
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

  const ints = (...values: number[]) => Int32Array.of(...values);
  const none = new Float64Array(0);
  // One group: its pick, count, log probabilities, report, stream, how many rows; then each row, its guide and its steps.
  const group = (...values: number[]) => ints(1, ...values);
  const zero = Float64Array.of(0);

  it.each([
    ["words in a list", [[0], none, ints()], "[addon] words: expected an Int32Array"],
    ["no numbers", [ints(0), ints(), ints()], "[sample] numbers: expected a Float64Array, given another typed array"],
    ["floats to fill", [ints(0), none, floats], "[sample] out: expected an Int32Array, given another typed array"],
    ["too little room", [group(0, 1, -1, 0, 0, 1, 0, -1, 0), zero, ints(0)], "[sample] length of out: expected 4, given 1"],
    ["a row that is not there", [group(0, 1, -1, 0, 0, 1, 3, -1, 0), zero, ints()], "[sample] a row: expected 0 to 2, given 3"],
    [
      "a guide that is not there",
      [group(0, 1, -1, 0, 0, 1, 0, 7, 0), zero, ints()],
      "[sample] a guide: expected -1 to 2, given 7",
    ],
    ["missing numbers", [group(0, 1, -1, 0, 0, 1, 0, -1, 0), none, ints()], "[sample] fewer numbers than the words ask for"],
    ["missing words", [group(0, 1, -1, 0, 0, 1, 0), zero, ints()], "[sample] fewer words than they say"],
    ["more words", [group(0, 1, -1, 0, 0, 1, 0, -1, 0, 9), zero, ints()], "[sample] more words than groups"],
    [
      "a token that is not there",
      [group(0, 1, -1, 0, 0, 1, 0, -1, 1, 3, 1, 99), zero, ints()],
      "[sample] a token: expected 0 to 63",
    ],
    [
      "a list that ends too late",
      [group(0, 1, -1, 0, 0, 1, 0, -1, 1, 3, 9, 1), zero, ints()],
      "[sample] fewer words than they say",
    ],
    ["a guided row without a guide", [group(0, 1, -1, 0, 0, 1, 0, -1, 1, 1), Float64Array.of(0, 2), ints()], "has no guide"],
    [
      "a draw without a stream",
      [group(1, 1, -1, 0, 0, 1, 0, -1, 0), zero, ints()],
      "[sample] a group that draws has no stream",
    ],
    ["more picks than entries", [group(2, 65, -1, 0, 0, 1, 0, -1, 0), zero, ints()], "[sample] a count of picks"],
  ])("sample refuses %s", async (_, values, message) => {
    await withStep((session, step) => expect(() => session.sample(step, ...values)).toThrow(message));
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

  it("sample and read refuse a step that was never queued", async () => {
    await withStep((session) => {
      expect(() => session.sample(99, rows, floats, rows)).toThrow("[session] step: expected a live one, given 99");
      expect(() => session.read("1", 0, rows, floats)).toThrow("[session] step: expected a live one, given 1");
    });
  });
});
