import { number } from "../../util/schemas.ts";
import { constant, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Above 1 leads away from `negativePromptIds` (default: the prompt's last token): classifier-free guidance. One beam. */
    guidanceScale?: number | null | undefined;
  }
}

/**
 * Classifier-free guidance (Sanchez et al., 2023) moves log probabilities `scale` times as far away from those that the same
 * answer has behind the negative prompt.
 */
export const guidanceScale = defineProcessor({
  name: "guidanceScale",
  order: 1,
  sampling: false,
  default: null,
  oneBeam: true,
  description:
    "Above 1, leads the answer towards the prompt and away from the negative prompt (`negativePromptIds`, default: the prompt's last token). One beam.",
  schema: number("a number"),
  off: (value) => value === 1,
  create: (scale) => constant({ kind: "normalise" }, { kind: "guide", scale }),
});
