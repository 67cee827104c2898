import { activationAttribute, activationFunction } from "./activation-kinds.ts";
import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";
import type { Dimension } from "./program.ts";

/**
 * A mixture of gated MLPs: x [T, hidden], chosen [T, count] and shares [T, count] (as `route` gives them), with one
 * gate-and-up matrix [experts, 2 · inner, hidden] and one down matrix [experts, hidden, inner] for each expert, and their
 * biases [experts, 2 · inner] and [experts, hidden] or none -> [T, hidden].
 *
 * y = Σ share · down(act(gate(x)) · (up(x) + upOffset)), in ascending order of the chosen experts. The rows of a gate-and-up
 * matrix are the gate's, then up's; or in turn when `interleaved`. With `limit`, gate is held below it and up within ±limit.
 * With `scaleInput`, a share multiplies what its expert reads, x, instead of what it gives.
 *
 * Source: Shazeer et al. 2017, "Outrageously Large Neural Networks"; limit and upOffset: gpt-oss;
 * scaleInput: Llama 4.
 */
export const experts = defineOp({
  name: "experts",
  attributes: {
    kind: activationAttribute,
    interleaved: { kind: "flag" },
    limit: { kind: "number", optional: true },
    upOffset: { kind: "number", default: 0 },
    scaleInput: { kind: "flag" },
    unroundedShares: { kind: "flag" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("experts", inputs, 3, weights, 4);
    const hidden = checkRows("experts", "x", inputs[0]!);
    const count = checkRows("experts", "chosen", inputs[1]!);
    checkRows("experts", "shares", inputs[2]!, count);
    const [gateUp, gateUpBias, down, downBias] = weights;
    const [number = 0, both = 0] = gateUp ?? [];
    const inner = both / 2;
    const same = (what: string, given: readonly number[] | undefined, expected: number[]) =>
      check(given?.join() === expected.join(), "experts", `shape of ${what}`, expected, given ?? "nothing");
    check(
      gateUp?.length === 3 && Number.isInteger(inner),
      "experts",
      "shape of gate and up",
      "[experts, 2 · inner, hidden]",
      gateUp,
    );
    same("gate and up", gateUp, [number, both, hidden]);
    same("down", down, [number, hidden, inner]);
    if (gateUpBias) same("bias of gate and up", gateUpBias, [number, both]);
    if (downBias) same("bias of down", downBias, [number, hidden]);
    check(count <= number, "experts", "number of chosen", `at most ${number}`, count);
    const { limit = 1 } = attributes;
    check(limit > 0, "experts", "attribute `limit`", "a positive number", limit);
    return [[...inputs[0]!]];
  },
  workspace([, chosen], [gateUp]) {
    const [experts, both, hidden] = gateUp as [number, number, number];
    const [rows, count] = chosen as [Dimension, number];
    // gathered rows (and results), gate and up, where each pick stands, where each expert's picks begin
    const widths = [count * hidden, count * both, count];
    return [...widths.map((width): Dimension[] => [rows, width]), [experts + 1]];
  },
  reference({ inputs, weights, outputs, attributes, round, rounds }) {
    const [x, chosen, shares] = inputs.map(({ data }) => data);
    const [gateUp, gateUpBias, down, downBias] = weights;
    const y = outputs[0]!.data;
    const [hidden, count] = [inputs[0]!.shape[1]!, inputs[1]!.shape[1]!];
    const both = gateUp!.shape[1]!;
    const inner = both / 2;
    const apply = activationFunction(attributes.kind, rounds ? round : undefined);
    const { interleaved, limit = Number.POSITIVE_INFINITY, upOffset, scaleInput } = attributes;
    const part = attributes.unroundedShares ? (x: number) => x : round;
    const rest = (sum: number, bias = 0) => (rounds ? round(round(sum) + bias) : Math.fround(sum + bias));
    const fed = new Float32Array(inner);
    for (let t = 0; t < x!.length / hidden; t++) {
      const picks = Array.from({ length: count }, (_, i) => ({
        expert: chosen![t * count + i]!,
        share: shares![t * count + i]!,
      })).sort((a, b) => a.expert - b.expert);
      for (const { expert, share } of picks) {
        const given = x!.slice(t * hidden, (t + 1) * hidden);
        if (scaleInput)
          given.forEach((value, k) => {
            given[k] = round(value * share);
          });
        const read = gateUp!.input?.(given) ?? given;
        const row = (i: number) => {
          let sum = 0;
          for (let k = 0, w = (expert * both + i) * hidden; k < hidden; k++, w++) sum += read[k]! * gateUp!.data[w]!;
          return rest(sum, gateUpBias?.data[expert * both + i]);
        };
        for (let i = 0; i < inner; i++) {
          const gate = Math.min(row(interleaved ? 2 * i : i), limit);
          const up = Math.min(Math.max(row(interleaved ? 2 * i + 1 : inner + i), -limit), limit);
          fed[i] = round(round(Math.fround(apply(gate))) * round(Math.fround(up + upOffset)));
        }
        const readDown = down!.input?.(fed) ?? fed;
        for (let i = 0; i < hidden; i++) {
          let sum = 0;
          for (let k = 0, w = (expert * hidden + i) * inner; k < inner; k++, w++) sum += readDown[k]! * down!.data[w]!;
          const at = t * hidden + i;
          const result = rest(sum, downBias?.data[expert * hidden + i]);
          y[at] = y[at]! + (scaleInput ? result : part(Math.fround(result * share)));
        }
      }
    }
  },
});
