import { z } from "zod";
import { expects, numberOrInfinity } from "../../util/schemas.ts";
import { checkVocabulary, constant, defineProcessor } from "./definition.ts";

/** Token ids, and how much each gains. */
export type LogitBias = { readonly [token: string]: number };

const schema = expects(
  "an object of token ids and numbers, such as { 50256: -100 }",
  z.record(z.string().regex(/^\d+$/), numberOrInfinity),
);

declare module "../options.ts" {
  interface SamplingOptions {
    /** Adds { [token id]: bias } to the raw scores, as OpenAI's `logit_bias` does. */
    logitBias?: LogitBias | null | undefined;
  }
}

/** Adds a bias to the raw logits of single tokens, as OpenAI's `logit_bias` does: −100 bans, 100 all but forces. */
export const logitBias = defineProcessor({
  name: "logitBias",
  order: 1.5,
  sampling: false,
  default: null,
  description: "Adds to the scores of single tokens: `{ [token id]: bias }`, as OpenAI's `logit_bias`.",
  schema,
  off: (value) => Object.keys(value).length === 0,
  create(value, context) {
    const tokens = Int32Array.from(Object.keys(value), Number);
    checkVocabulary("logitBias", tokens, context);
    return constant({ kind: "edit", how: "add", tokens, values: Float32Array.from(Object.values(value)) });
  },
});
