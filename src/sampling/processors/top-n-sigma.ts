import { finite } from "../validate.ts";
import { constant, type ProcessorDefinition } from "./definition.ts";

/** Top-nσ (Tang et al., 2024): scores within n standard deviations of the greatest. Temperature changes nothing in it. */
export const topNSigma: ProcessorDefinition = {
  name: "topNSigma",
  order: 18.5,
  sampling: true,
  default: null,
  description: "Keeps the tokens whose score is within this many standard deviations of the best.",
  parse: finite("a number of at least 0", (value) => value >= 0),
  off: (value) => value === 0,
  create: (value) => constant({ kind: "call", apply: (scores) => keepWithin(scores, value) }),
};

/** Banned tokens (−infinity) count neither in the mean nor in the deviation. */
function keepWithin(scores: Float32Array, n: number): void {
  let count = 0;
  let sum = 0;
  let best = -Infinity;
  for (const score of scores) {
    if (score === -Infinity) continue;
    count++;
    sum += score;
    if (score > best) best = score;
  }
  const mean = sum / count;
  let squares = 0;
  for (const score of scores) if (score !== -Infinity) squares += (score - mean) ** 2;
  const limit = best - n * Math.sqrt(squares / count);
  for (let i = 0; i < scores.length; i++) if (scores[i]! < limit) scores[i] = -Infinity;
}
