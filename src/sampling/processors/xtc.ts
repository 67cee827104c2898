import type { PartialFields } from "../../util/partial-fields.ts";
import { fields, number } from "../../util/schemas.ts";
import type { Processor } from "../processor.ts";
import { uniformAt } from "../uniform.ts";
import { defineProcessor, minimumKept } from "./definition.ts";

/** Settings of XTC. */
export interface Xtc {
  /** How often it is applied, from 0 to 1. Default 0: never. */
  probability: number;
  /** Tokens that are at least this likely may be excluded. From 0 to 0.5; above that it does nothing. Default 0.1. */
  threshold: number;
}

const share = number("a number from 0 to 1", { minimum: 0, maximum: 1 });

declare module "../options.ts" {
  interface SamplingOptions {
    /** Drops, with `probability`, the tokens likelier than `threshold` except the least likely of them. Sampling only. */
    xtc?: PartialFields<Xtc> | null | undefined;
  }
}

/** Exclude Top Choices (p-e-w, 2024) runs after the other warpers, as llama.cpp defines it. */
export const xtc = defineProcessor({
  name: "xtc",
  order: 25.1,
  sampling: true,
  default: null,
  oneBeam: true,
  description:
    "`{ probability, threshold: 0.1 }`: with this probability, drops all tokens likelier than `threshold` but the least likely of them. As llama.cpp's, behind the other warpers.",
  schema: fields({ probability: share.default(0), threshold: share.default(0.1) }),
  off: ({ probability, threshold }) => probability === 0 || threshold > 0.5,
  create({ probability, threshold }, context) {
    const exclude = { kind: "warp", how: "xtc", value: threshold, minTokensToKeep: minimumKept(context) } as const;
    const processor: Processor = {
      steps: (place) => (uniformAt(place, 0x787463) < probability ? [exclude] : []),
      accept() {},
      fork: () => processor,
    };
    return processor;
  },
});
