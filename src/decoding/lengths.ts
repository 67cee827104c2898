import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { warn, warnOnce } from "../util/warnings.ts";
import type { GenerationSettings } from "./generation-settings.ts";

/**
 * New tokens that each row may get, for rows of `width` prompt tokens (pads counted, as transformers counts them).
 *
 * @throws `input_too_long` where the prompt already fills `maxLength`
 */
export function newTokenLimit(settings: GenerationSettings, width: number, model: Model): number {
  const { maxNewTokens, maxLength } = settings;
  let limit: number;
  if (maxNewTokens !== null) {
    if (maxLength !== null) {
      warnOnce(`Both \`maxNewTokens\` (${maxNewTokens}) and \`maxLength\` (${maxLength}) are set. \`maxNewTokens\` wins.`);
    }
    limit = maxNewTokens;
  } else if (maxLength !== null) {
    if (width >= maxLength) tooLong(width, "maxLength", maxLength);
    limit = maxLength - width;
  } else {
    const total = Math.min(width + 20, model.maxPositions);
    if (width >= total) tooLong(width, "the model's context", total);
    warnOnce("Neither `maxNewTokens` nor `maxLength` is set: generating at most 20 new tokens. Set `maxNewTokens`.");
    limit = total - width;
  }
  const { minNewTokens, minLength } = settings;
  if ((minNewTokens ?? 0) > limit || minLength > width + limit) {
    const least = (minNewTokens ?? 0) > limit ? `\`minNewTokens\` (${minNewTokens})` : `\`minLength\` (${minLength})`;
    warn(`${least} cannot be reached: generation stops at ${limit} new tokens.`);
  }
  if (!model.positionsAreBounded && width + limit > model.maxPositions) {
    warnOnce(
      `Prompt and new tokens may pass the ${model.maxPositions} positions that the model was made for: the text may get worse from there on.`,
    );
  }
  return limit;
}

/** Tokens that a sequence can reach where the model's positions end: the last one does not go through the model. */
export function mostTokens({ positionsAreBounded, maxPositions }: Model): number {
  return positionsAreBounded ? maxPositions + 1 : Number.POSITIVE_INFINITY;
}

function tooLong(given: number, option: string, limit: number): never {
  const hint = "Raise it, or better set `maxNewTokens`.";
  throw new TsumugiError("input_too_long", { given, option, limit, hint });
}
