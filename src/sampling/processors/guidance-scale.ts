import { TsumugiError } from "../../errors.ts";
import type { Processor } from "../processor.ts";
import { finite } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";

/**
 * Classifier-free guidance (Sanchez et al., 2023): log probabilities go on, `scale` times as far, from those of the same
 * answer behind the negative prompt.
 */
export const guidanceScale: ProcessorDefinition = {
  name: "guidanceScale",
  order: 1,
  sampling: false,
  default: null,
  oneBeam: true,
  description: "Above 1, leads the answer towards the prompt and away from the negative prompt.",
  parse: finite("a number", () => true),
  off: (value) => value === 1,
  create(value) {
    const scale = Math.fround(value);
    const processor: Processor = {
      steps({ unguided }) {
        if (!unguided) throw new TsumugiError("internal", { what: "guidance without the row of the negative prompt" });
        return [{ kind: "normalise" }, { kind: "call", apply: (scores) => guide(scores, unguided(), scale) }];
      },
      accept() {},
      fork: () => processor,
    };
    return processor;
  },
};

function guide(scores: Float32Array, unguided: Float32Array, scale: number): void {
  for (let i = 0; i < scores.length; i++) {
    const distance = Math.fround(scores[i]! - unguided[i]!);
    scores[i] = Math.fround(scale * distance) + unguided[i]!;
  }
}
