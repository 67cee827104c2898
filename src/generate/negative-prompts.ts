import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { isGuided } from "../decoding/guided-decoder.ts";
import { TsumugiError } from "../errors.ts";
import { type PromptRow, readInputs } from "./inputs.ts";

/**
 * The negative prompt of each output row (`copies` for each prompt), without pads: a row of `negativePromptIds` for each output
 * row, for each prompt, or one for all; without it the prompt's last token, as in transformers.
 *
 * @throws `invalid_input`, `conflicting_options`, `unsupported_option` for encoder-decoder models
 */
export function readNegativePrompts(
  ids: unknown,
  mask: unknown,
  prompts: readonly PromptRow[],
  copies: number,
  context: { vocabularySize: number; settings: GenerationSettings },
): number[][] | undefined {
  if (!isGuided(context.settings)) {
    if (ids === undefined || ids === null) return undefined;
    const reason = "a negative prompt has an effect only with `guidanceScale`";
    throw new TsumugiError("conflicting_options", { options: "`negativePromptIds` and no `guidanceScale`", reason });
  }
  if (prompts.some(({ encoder }) => encoder !== undefined)) {
    const reason = "guidance of encoder-decoder models is not supported";
    throw new TsumugiError("unsupported_option", { option: "guidanceScale", reason });
  }
  const count = prompts.length * copies;
  const promptOf = (row: number) => Math.floor(row / copies);
  if (ids === undefined || ids === null)
    return Array.from({ length: count }, (_, row) => prompts[promptOf(row)]!.padded.slice(-1));
  const padTokenId = null; // pads are told by the mask alone
  const rows = readInputs(ids, mask, { ...context, settings: { ...context.settings, padTokenId } });
  if (![1, prompts.length, count].includes(rows.length)) {
    const expected = [...new Set([1, prompts.length, count])].join(" or ");
    throw new TsumugiError("invalid_input", { what: "Rows of `negativePromptIds`", expected, given: rows.length });
  }
  const each = rows.length === 1 ? () => 0 : rows.length === count ? (row: number) => row : promptOf;
  return Array.from({ length: count }, (_, row) => rows[each(row)]!.tokens);
}
