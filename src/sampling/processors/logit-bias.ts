import { fail, type OptionParser } from "../validate.ts";
import { checkVocabulary, constant, type ProcessorDefinition } from "./definition.ts";

/** Token ids and what they gain. */
export type LogitBias = { readonly [token: string]: number };

const parse: OptionParser<LogitBias> = (value, option) => {
  const expected = "an object of token ids and numbers, such as { 50256: -100 }";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(option, expected, value);
  for (const [token, bias] of Object.entries(value)) {
    if (!/^\d+$/.test(token) || typeof bias !== "number" || Number.isNaN(bias)) return fail(option, expected, value);
  }
  return value as LogitBias;
};

/** A bias for single tokens, as OpenAI's `logit_bias`: added to the raw logits; −100 bans, 100 all but forces. */
export const logitBias: ProcessorDefinition<LogitBias> = {
  name: "logitBias",
  order: 1.5,
  sampling: false,
  default: null,
  description: "Adds to the scores of single tokens: { [token id]: bias }.",
  parse,
  off: (value) => Object.keys(value).length === 0,
  create(value, context) {
    const tokens = Int32Array.from(Object.keys(value), Number);
    checkVocabulary("logitBias", tokens, context);
    return constant({ kind: "edit", how: "add", tokens, values: Float32Array.from(Object.values(value)) });
  },
};
