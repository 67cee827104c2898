import { TsumugiError } from "../errors.ts";
import { oneOf } from "../util/one-of.ts";
import { listed, type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import type { EncodeOptions, Side } from "./tokenizer.ts";

/** Options of transformers' tokenizers that tsumugi has not, with the reason. */
const elsewhere: Refusals = {
  returnTensors: "rows come back as `number[][]`, which `generate` takes as it is",
  returnTokenTypeIds: "models here do not read token types",
  returnOffsetsMapping: "`tokenizer(text, { returnOffsetsMapping: true })` gives offsets, with the ids",
  returnOverflowingTokens: "text that is cut off is dropped",
  returnSpecialTokensMask: "compare the ids with `tokenizer.allSpecialIds`",
  returnAttentionMask: "the mask always comes along",
  returnLength: "read the length of the rows",
  returnAssistantTokensMask: "token positions in the text are not known",
  isSplitIntoWords: "join the words before the call",
  stride: "text that is cut off is dropped",
  textTarget: "tokenize the target in a call of its own",
};

/** Refuses options that are not in `known`, with a hint (`unknown_option`, `unsupported_option`). */
export function refuseUnknownOptions(options: object | undefined, known: readonly string[], hint = listed(known)): void {
  refuseUnknown(options, known, elsewhere, hint);
}

/** How rows are padded and cut, after defaults and checks. */
export interface Layout {
  padding: "none" | "longest" | "max_length";
  truncate: boolean;
  maxLength: number;
  padToMultipleOf: number | undefined;
  paddingSide: Side;
}

/** transformers' rules for padding and truncation. Errors: `invalid_option`, `conflicting_options`. */
export function layoutOf(options: EncodeOptions, defaults: { paddingSide: Side; modelMaxLength: number }): Layout {
  const { padding = false, maxLength, padToMultipleOf } = options;
  const cut = options.truncation ?? (maxLength !== undefined && (padding === false || padding === "do_not_pad"));
  oneOf("padding", padding, [true, false, "longest", "max_length", "do_not_pad"]);
  oneOf("truncation", cut, [true, false, "longest_first", "do_not_truncate"]);
  const paddingSide = options.paddingSide ?? defaults.paddingSide;
  oneOf("paddingSide", paddingSide, ["left", "right"]);
  positive("maxLength", maxLength);
  positive("padToMultipleOf", padToMultipleOf);
  const limit = maxLength ?? defaults.modelMaxLength;
  const truncate = (cut === true || cut === "longest_first") && limit !== Number.POSITIVE_INFINITY;
  if (truncate && !(Number.isSafeInteger(limit) && limit >= 0)) {
    const expected = "a whole number of tokens to truncate by it, or Infinity";
    throw new TsumugiError("invalid_option", { option: "modelMaxLength", expected, given: limit });
  }
  const kind = padding === true || padding === "longest" ? "longest" : padding === "max_length" ? "max_length" : "none";
  if (maxLength !== undefined && kind !== "max_length" && !truncate)
    throw new TsumugiError("conflicting_options", {
      options: "`maxLength` and `truncation: false`",
      reason: 'nothing would use `maxLength`; pad to it with `padding: "max_length"` or cut to it with `truncation: true`',
    });
  if (truncate && kind !== "none" && padToMultipleOf !== undefined && limit % padToMultipleOf !== 0)
    throw new TsumugiError("conflicting_options", {
      options: "`truncation` and `padToMultipleOf`",
      reason: `the length to cut to, ${limit}, is not a multiple of ${padToMultipleOf}`,
    });
  return {
    // Without a limit there is no length to pad to: transformers then pads nothing.
    padding: kind === "max_length" && !Number.isFinite(limit) ? "none" : kind,
    truncate,
    maxLength: limit,
    padToMultipleOf,
    paddingSide,
  };
}

function positive(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw new TsumugiError("invalid_option", { option, expected: "a whole number above 0", given: value });
}
