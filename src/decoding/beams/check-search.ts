import { TsumugiError } from "../../errors.ts";
import type { Model } from "../../ops/program.ts";
import type { GenerationSettings } from "../generation-settings.ts";
import type { StoppingCriterion } from "../stopping-criteria.ts";
import { isContrastive, isSearch } from "./check-beams.ts";

/** What settings of a search are held against. */
export interface SearchContext {
  model: Model;
  /** Sequences that the engine runs at once. */
  maxSequences: number;
  stoppingCriteria?: readonly StoppingCriterion[] | undefined;
}

/**
 * What only the model, or the call, can say about the options of a search. Settings that ask for none pass.
 *
 * @throws `request_too_large`, `invalid_option`, `conflicting_options`
 */
export function checkSearch(settings: GenerationSettings, context: SearchContext): void {
  if (!isSearch(settings)) return;
  const { model, maxSequences: limit, stoppingCriteria } = context;
  const { forceWordsIds, numBeamGroups } = settings;
  const given = searchWidth(settings);
  if (given > limit) {
    const hint = `Load the model with \`maxBatchSize: ${given}\` or more.`;
    const what = isContrastive(settings) ? "candidates (`topK`) at once" : "beams at once";
    throw new TsumugiError("request_too_large", { given, what, limit, hint });
  }
  const bad = forceWordsIds?.flat(2).find((token) => token >= model.vocabularySize);
  if (bad !== undefined) {
    const expected = `made of token ids from 0 to ${model.vocabularySize - 1}`;
    throw new TsumugiError("invalid_option", { option: "forceWordsIds", expected, given: bad });
  }
  if (stoppingCriteria && (forceWordsIds || numBeamGroups > 1)) {
    const options = `\`stoppingCriteria\` and ${forceWordsIds ? "`forceWordsIds`" : "`numBeamGroups`"}`;
    throw new TsumugiError("conflicting_options", { options, reason: "these searches end their rows with end tokens only" });
  }
}

/** Sequences that a search has at once. */
export function searchWidth(settings: GenerationSettings): number {
  return isContrastive(settings) ? (settings.topK as number) : settings.numBeams;
}
