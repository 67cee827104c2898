import { z } from "zod";
import type { PartialFields } from "../../util/partial-fields.ts";
import { expects, fields, number } from "../../util/schemas.ts";
import type { Processor } from "../processor.ts";
import { softmax } from "../softmax.ts";
import { defineProcessor } from "./definition.ts";

/** Settings of Mirostat. */
export interface Mirostat {
  /** The version. Only 2 is known. */
  version: 2;
  /** The surprise to aim at, in bits. Default 5. */
  tau: number;
  /** How fast the limit follows. Default 0.1. */
  eta: number;
}

const positive = number("a number above 0", { above: 0 });
const two = expects("2 (Mirostat 1 is not supported)", z.literal(2));

declare module "../options.ts" {
  interface SamplingOptions {
    /** Runs Mirostat 2 instead of all other warpers but temperature. Sampling only. */
    mirostat?: PartialFields<Mirostat> | null | undefined;
  }
}

/**
 * Mirostat 2 (Basu et al., 2021) drops tokens that are more surprising than a moving limit, and the limit follows the surprise
 * of what was drawn, as llama.cpp defines it. It takes the place of all other warpers but temperature.
 */
export const mirostat = defineProcessor({
  name: "mirostat",
  order: 25.2,
  sampling: true,
  default: null,
  oneBeam: true,
  description:
    "`{ version: 2, tau: 5, eta: 0.1 }`: Mirostat 2 aims at a surprise of `tau` bits with rate `eta`, instead of the other warpers but temperature.",
  replaces: ["topNSigma", "topH", "topK", "topP", "minP", "typicalP", "epsilonCutoff", "etaCutoff", "xtc"],
  schema: fields({ version: two.default(2), tau: positive.default(5), eta: positive.default(0.1) }),
  off: () => false,
  create: ({ tau, eta }) => follow(tau, eta, 2 * tau, new Float32Array(0)),
});

/** @param last the probabilities that the newest token was drawn from */
function follow(tau: number, eta: number, limit: number, last: Float32Array): Processor {
  const apply = (scores: Float32Array) => {
    const probabilities = softmax(scores);
    let best = 0;
    for (let i = 0; i < scores.length; i++) if (probabilities[i]! > probabilities[best]!) best = i;
    for (let i = 0; i < scores.length; i++) {
      if (i !== best && -Math.log2(probabilities[i]!) > limit) scores[i] = -Infinity;
    }
    last = softmax(scores);
  };
  return {
    steps: () => [{ kind: "call", apply }],
    accept(token) {
      const probability = last[token] ?? 0;
      if (probability > 0) limit -= eta * (-Math.log2(probability) - tau);
    },
    fork: () => follow(tau, eta, limit, last),
  };
}
