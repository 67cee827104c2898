import { z } from "zod";
import { TsumugiError } from "../../errors.ts";
import { expects } from "../../util/schemas.ts";
import { atLength, defineProcessor } from "./definition.ts";

/** How many new tokens come before it begins, and the factor by which it grows with each one. */
export type ExponentialDecay = readonly [start: number, factor: number];

const schema = expects("[start, factor]: a number of new tokens and a factor", z.tuple([z.int().min(0), z.number()]));

declare module "../options.ts" {
  interface SamplingOptions {
    /** [start, factor]: end tokens gain exponentially after `start` new tokens. */
    exponentialDecayLengthPenalty?: ExponentialDecay | null | undefined;
  }
}

/** Raises end tokens more and more from some length on, by |score| · (factorⁿ − 1). A banned end token stays banned. */
export const exponentialDecayLengthPenalty = defineProcessor({
  name: "exponentialDecayLengthPenalty",
  order: 14,
  sampling: false,
  default: null,
  description: "`[start, factor]`: from so many new tokens on, end tokens gain exponentially.",
  schema,
  off: () => false,
  create([start, factor], { eosTokenIds, promptTokens, vocabularySize }) {
    const ends = [...new Set(eosTokenIds)].filter((token) => token < vocabularySize);
    if (ends.length === 0) {
      const reason = "the model has no end token; set `eosTokenId`";
      throw new TsumugiError("unsupported_option", { option: "exponentialDecayLengthPenalty", reason });
    }
    const tokens = Int32Array.from(ends);
    return atLength(promptTokens.length, (length) => {
      const over = length - promptTokens.length - start;
      if (over <= 0) return [];
      return [{ kind: "edit", how: "grow", tokens, values: new Float32Array(ends.length).fill(factor ** over - 1) }];
    });
  },
});
