import { check, checkCounts, checkRows, checkVector } from "./check.ts";
import { defineOp } from "./definition.ts";

/** How the router's numbers become scores: before the choice, or (`chosen_…`) after it, those that were chosen alone. */
export const routeScores = ["softmax", "sigmoid", "chosen_softmax", "chosen_sigmoid"] as const;

/**
 * The choice of experts: router logits [T, experts] -> chosen [T, count] (whole numbers, best first) and their weights
 * [T, count].
 *
 * The `count` greatest scores are chosen, of equals the first. The optional weight, correction [experts], is added to the
 * scores for the choice alone. With `groups`, the experts stand in that many equal groups; only the `topGroups` groups
 * whose two greatest scores sum highest (`groupsByBest`: whose greatest is highest) are chosen from. `normalize`: the weights are divided by their sum. Then they are
 * multiplied by `factor` (default 1), and by what the other optional weight, gains [experts], holds for the chosen.
 *
 * Source: Shazeer et al. 2017; groups and correction: DeepSeek-AI 2024, "DeepSeek-V3".
 */
export const route = defineOp({
  name: "route",
  attributes: {
    count: { kind: "count" },
    score: { kind: "name", names: routeScores },
    normalize: { kind: "flag" },
    factor: { kind: "number", default: 1 },
    groups: { kind: "count", default: 1 },
    topGroups: { kind: "count", optional: true },
    groupsByBest: { kind: "flag" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("route", inputs, 1, weights, Math.min(weights.length, 2));
    const experts = checkRows("route", "logits", inputs[0]!);
    const { count, groups, topGroups = groups, groupsByBest } = attributes;
    checkVector("route", "correction", weights[0], experts);
    checkVector("route", "gains", weights[1], experts);
    check(experts % groups === 0, "route", "attribute `groups`", `a divisor of ${experts}`, groups);
    check(topGroups <= groups, "route", "attribute `topGroups`", `at most groups (${groups})`, topGroups);
    const fewest = groups === 1 || groupsByBest ? 1 : 2;
    check(experts / groups >= fewest, "route", "experts of a group", `at least ${fewest}`, experts / groups);
    const open = (experts / groups) * topGroups;
    check(count <= open, "route", "attribute `count`", `at most ${open} experts`, count);
    return [
      [inputs[0]![0]!, count],
      [inputs[0]![0]!, count],
    ];
  },
  reference({ inputs, outputs, weights, attributes }) {
    const { data: logits, shape } = inputs[0]!;
    const [chosen, shares] = [outputs[0]!.data, outputs[1]!.data];
    const { count, groups, topGroups = groups, groupsByBest, score, normalize } = attributes;
    const factor = Math.fround(attributes.factor);
    const experts = shape[1]!;
    for (let row = 0; row < logits.length / experts; row++) {
      const given = logits.subarray(row * experts, (row + 1) * experts);
      const scores = score === "softmax" ? softmax(given) : score === "sigmoid" ? given.map(sigmoid) : given;
      const choice = Float32Array.from(scores, (value, expert) => value + (weights[0]?.data[expert] ?? 0));
      if (groups > 1) closeGroups(choice, groups, topGroups, groupsByBest);
      const best = greatest(choice, count);
      let parts = Float32Array.from(best, (expert) => scores[expert]!);
      if (score === "chosen_softmax") parts = softmax(parts);
      if (score === "chosen_sigmoid") parts = parts.map(sigmoid);
      const sum = parts.reduce((total, part) => total + part, 0);
      best.forEach((expert, i) => {
        chosen[row * count + i] = expert;
        const share = Math.fround(Math.fround(normalize ? parts[i]! / (sum + 1e-20) : parts[i]!) * factor);
        shares[row * count + i] = share * (weights[1]?.data[expert] ?? 1);
      });
    }
  },
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function softmax(values: Float32Array): Float32Array<ArrayBuffer> {
  const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = Array.from(values, (value) => Math.exp(value - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/** Indices of the greatest values, best first; of equals the first. */
function greatest(values: Float32Array, count: number): number[] {
  return Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}

/** −∞ for the experts of all groups but the best. */
function closeGroups(choice: Float32Array, groups: number, topGroups: number, byBest: boolean): void {
  const size = choice.length / groups;
  const sums = Float32Array.from({ length: groups }, (_, group) => {
    const [first, second] = choice.slice(group * size, (group + 1) * size).sort((a, b) => b - a);
    return byBest ? first! : first! + second!;
  });
  const open = new Set(greatest(sums, topGroups));
  for (let group = 0; group < groups; group++) {
    if (!open.has(group)) choice.fill(Number.NEGATIVE_INFINITY, group * size, (group + 1) * size);
  }
}
