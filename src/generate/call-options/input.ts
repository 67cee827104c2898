import { z } from "zod";
import type { GenerationConfig } from "../../decoding/generation-config.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { expects } from "../../util/schemas.ts";
import { defineCallOption } from "../define-call-option.ts";
import type { TokenRows } from "../inputs.ts";

declare module "../options.ts" {
  interface CallOptions {
    /** Token ids, one row or many of one length. Default: `bosTokenId`. */
    inputIds?: TokenRows | undefined;
    /** 1 for tokens, 0 for pads; the shape of `inputIds`. Default: ids equal to `padTokenId` are pads. */
    attentionMask?: TokenRows | null | undefined;
    /** With `guidanceScale`: what to lead away from, a row for each output row or prompt, or one for all. Default: the prompt's last token. */
    negativePromptIds?: TokenRows | null | undefined;
    /** 1 for tokens, 0 for pads; the shape of `negativePromptIds`. Default: no pads. */
    negativePromptAttentionMask?: TokenRows | null | undefined;
    /** Settings that hold where the call does not name them; they win over the model's own. */
    generationConfig?: GenerationConfig | undefined;
    /** Needed by `stopStrings`; the model's own by default. */
    tokenizer?: Tokenizer | undefined;
  }
}

/** Rows are checked where they are read (inputs.ts), against the model and each other. */
const rows = z.custom<TokenRows | null>(() => true);
const isTokenizer = (value: unknown) => typeof (value as Partial<Tokenizer> | null)?.decode === "function";

export const inputIds = defineCallOption({
  name: "inputIds",
  schema: rows,
  default: null,
  callOnly: true,
  description: "Token ids, one row or many of one length. Default: `bosTokenId`.",
});

export const attentionMask = defineCallOption({
  name: "attentionMask",
  schema: rows,
  default: null,
  callOnly: true,
  description: "1 for tokens, 0 for pads; the shape of `inputIds`. Default: ids equal to `padTokenId` are pads.",
});

export const negativePromptIds = defineCallOption({
  name: "negativePromptIds",
  schema: rows,
  default: null,
  callOnly: true,
  description:
    "With `guidanceScale`: what to lead away from, a row for each output row or prompt, or one for all. Default: the prompt's last token.",
});

export const negativePromptAttentionMask = defineCallOption({
  name: "negativePromptAttentionMask",
  schema: rows,
  default: null,
  callOnly: true,
  description: "1 for tokens, 0 for pads; the shape of `negativePromptIds`. Default: no pads.",
});

export const generationConfig = defineCallOption({
  name: "generationConfig",
  schema: z.custom<GenerationConfig>(() => true), // its fields are checked one by one
  default: null,
  callOnly: true,
  description: "Settings that hold where the call does not name them; they win over the model's own.",
});

export const tokenizer = defineCallOption({
  name: "tokenizer",
  schema: expects("a tokenizer", z.custom<Tokenizer>(isTokenizer)),
  default: null,
  callOnly: true,
  description: "For `stopStrings` and what else reads text; the model's own by default.",
});
