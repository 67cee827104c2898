import { type Assistance, readAssistance } from "../decoding/assisted/assistance.ts";
import { isSearch } from "../decoding/beams/check-beams.ts";
import { checkSearch } from "../decoding/beams/check-search.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { isGuided } from "../decoding/guided-decoder.ts";
import { newTokenLimit } from "../decoding/lengths.ts";
import { type CallSettings, resolveCall } from "../decoding/resolve-settings.ts";
import { readStoppingCriteria, type StoppingCriterion } from "../decoding/stopping-criteria.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { warnOnce } from "../util/warnings.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { readNegativePrompts } from "./negative-prompts.ts";
import type { PromptRow } from "./prompt-row.ts";

/** A call of `generate`, read: its rows can be decoded without another look at the options. */
export interface GenerateCall extends Pick<GenerateOptions, "seed" | "signal" | "streamer" | "onToken" | "tokenizer"> {
  settings: GenerationSettings;
  prompts: readonly PromptRow[];
  /** The negative prompt of each output row, where guidance is on and the call names them. */
  negatives: readonly (readonly number[])[] | undefined;
  /** New tokens that each row may get. */
  maxNewTokens: number;
  /** On the engine's clock. */
  deadline: number | undefined;
  stoppingCriteria: readonly StoppingCriterion[] | undefined;
  assistance: Assistance | undefined;
}

/**
 * Decides every field of a call.
 *
 * @throws `unsupported_option`, `invalid_option`, `conflicting_options`
 */
export function settingsOf(context: GenerateContext, options: GenerateOptions): CallSettings {
  const call = Object.fromEntries(Object.entries(options).filter(([name]) => generationFieldNames.includes(name)));
  return resolveCall(call, options.generationConfig ?? {}, context.generationConfig, context.settingsFile);
}

/**
 * Reads a call whose settings and prompts are known. `maxTime` runs from here on.
 *
 * @throws what `generate` throws
 */
export function readCall(
  context: GenerateContext,
  options: GenerateOptions,
  { settings, named }: CallSettings,
  prompts: readonly PromptRow[],
): GenerateCall {
  const start = performance.now();
  const { model } = context;
  const { seed, signal, streamer, onToken, tokenizer, assistantModel } = options;
  if (seed !== undefined && !settings.doSample) warnOnce("`seed` has an effect only with `doSample: true`.");
  checkEncoderDecoder(model, { settings, named });
  const negatives = readNegativePrompts(options, prompts, { vocabularySize: model.vocabularySize, settings });
  const maxNewTokens = newTokenLimit(settings, prompts[0]!.padded.length, model);
  if (streamer) checkStreamed(settings, prompts.length * settings.numReturnSequences);
  const deadline = settings.maxTime === null ? undefined : start + 1000 * settings.maxTime;
  const assistant = assistantModel?.generateContext();
  const assistance = readAssistance(context, { settings, named }, { assistant, tokenizer });
  const stoppingCriteria = readStoppingCriteria(options.stoppingCriteria);
  checkSearch(settings, { model, maxSequences: context.maxSequences, stoppingCriteria });
  const own = { seed, signal, streamer, onToken, tokenizer };
  return { ...own, settings, prompts, negatives, maxNewTokens, deadline, stoppingCriteria, assistance };
}

/** Options that only one of the two kinds of models knows. */
function checkEncoderDecoder({ programs }: Model, { settings, named }: CallSettings): void {
  if (!programs.encode && named.decoderStartTokenId != null) {
    const reason = "it belongs to encoder-decoder models";
    throw new TsumugiError("unsupported_option", { option: "decoderStartTokenId", reason });
  }
  if (programs.encode && isGuided(settings)) {
    const reason = "guidance of encoder-decoder models is not built yet";
    throw new TsumugiError("unsupported_option", { option: "guidanceScale", reason });
  }
}

/** A streamer takes one row, token by token. */
function checkStreamed(settings: GenerationSettings, rows: number): void {
  if (rows > 1) {
    throw new TsumugiError("invalid_option", { option: "streamer", expected: "used with one row", found: `${rows} rows` });
  }
  if (!isSearch(settings)) return;
  const search = settings.numBeams > 1 ? "`numBeams` above 1" : "`penaltyAlpha`";
  const reason = "rows are known when the search ends; `onToken` gets them then";
  throw new TsumugiError("conflicting_options", { options: `\`streamer\` and ${search}`, reason });
}
