import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { isGuided } from "../decoding/guided-decoder.ts";
import { TsumugiError } from "../errors.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { readInputs } from "./inputs.ts";
import type { PromptRow } from "./prompt-row.ts";

/**
 * The negative prompt of each output row (`copies` for each prompt), without pads: a row of `negativePromptIds` for each output
 * row, for each prompt, or one for all. Undefined where the call names none.
 *
 * @throws `invalid_input`, `conflicting_options`, `unsupported_option` for encoder-decoder models
 */
export function readNegativePrompts(
  { negativePromptIds: ids, negativePromptAttentionMask: mask }: GenerateOptions,
  prompts: readonly PromptRow[],
  { vocabularySize, settings }: { vocabularySize: number; settings: GenerationSettings },
): number[][] | undefined {
  if ((ids ?? null) === null && (mask ?? null) !== null) {
    const reason = "the mask says which ids of the negative prompt are pads";
    throw new TsumugiError("conflicting_options", {
      options: "`negativePromptAttentionMask` and no `negativePromptIds`",
      reason,
    });
  }
  if (!isGuided(settings)) {
    if (ids === undefined || ids === null) return undefined;
    const reason = "a negative prompt has an effect only with `guidanceScale`";
    throw new TsumugiError("conflicting_options", { options: "`negativePromptIds` and no `guidanceScale`", reason });
  }
  if (prompts.some(({ encoder }) => encoder !== undefined)) {
    const reason = "guidance of encoder-decoder models is not supported";
    throw new TsumugiError("unsupported_option", { option: "guidanceScale", reason });
  }
  if (ids === undefined || ids === null) return undefined;
  const copies = settings.numReturnSequences;
  const count = prompts.length * copies;
  const promptOf = (row: number) => Math.floor(row / copies);
  const padTokenId = null; // pads are told by the mask alone
  const rows = readInputs(ids, mask, { vocabularySize, settings: { ...settings, padTokenId } });
  if (![1, prompts.length, count].includes(rows.length)) {
    const expected = [...new Set([1, prompts.length, count])].join(" or ");
    throw new TsumugiError("invalid_input", { what: "Rows of `negativePromptIds`", expected, given: rows.length });
  }
  const each = rows.length === 1 ? () => 0 : rows.length === count ? (row: number) => row : promptOf;
  return Array.from({ length: count }, (_, row) => rows[each(row)]!.tokens);
}
