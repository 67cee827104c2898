import type { Processor } from "../processor.ts";
import { uniformAt } from "../uniform.ts";
import { fields, finite } from "../validate.ts";
import { minimumKept, type ProcessorDefinition } from "./definition.ts";

/** Settings of XTC. */
export interface Xtc {
  /** How often it is applied: 0 to 1. Default 0: never. */
  probability: number;
  /** Tokens at least this likely may be excluded. 0 to 0.5, above which it does nothing. Default 0.1. */
  threshold: number;
}

const share = finite("a number from 0 to 1", (value) => value >= 0 && value <= 1);

/** Exclude Top Choices (p-e-w, 2024), as llama.cpp defines it: behind the other warpers. */
export const xtc: ProcessorDefinition<Xtc> = {
  name: "xtc",
  order: 25.1,
  sampling: true,
  default: null,
  oneBeam: true,
  description: "With this `probability`, drops all tokens likelier than `threshold` but the least likely of them.",
  parse: fields<Xtc>({ probability: share, threshold: share }, { probability: 0, threshold: 0.1 }),
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
};
