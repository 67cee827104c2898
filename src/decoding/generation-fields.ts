import { TsumugiError } from "../errors.ts";
import { type OptionParser, processorDefinitions } from "../sampling/index.ts";
import { boolean, finite, texts, tokenIds, whole } from "../sampling/validate.ts";

/** A field of GenerationConfig that works. */
export interface SupportedField {
  supported: true;
  parse: OptionParser<unknown>;
  /** Value where neither the call nor the model's files set it; null is unset. */
  default: unknown;
  /** Has an effect only with `doSample: true`. */
  sampling?: boolean;
  /** An option of a call, never of a file. */
  callOnly?: boolean;
}

/** A field that is known and refused, except at values that change nothing. */
export interface RefusedField {
  supported: false;
  reason: string;
  /** Values that mean "off". */
  off: readonly unknown[];
}

export type GenerationField = SupportedField | RefusedField;

const works = (parse: OptionParser<unknown>, value: unknown = null): SupportedField => ({
  supported: true,
  parse,
  default: value,
});
const refused = (reason: string, ...off: readonly unknown[]): RefusedField => ({ supported: false, reason, off });

const drafting = "drafts come from `assistantModel` or `promptLookupNumTokens`";
const universal = "the assistant must have the model's own vocabulary";
const removed = "transformers 5 removed this decoding mode too";
const cache = "the engine has one paged KV cache, which needs no setting here";

/** [constraints][alternatives][tokens] */
const forceWordsIds: OptionParser<number[][][]> = (value, option) => {
  const isPhrase = (item: unknown): item is number[] =>
    Array.isArray(item) && item.length > 0 && item.every((token) => Number.isSafeInteger(token) && token >= 0);
  const phrases = Array.isArray(value)
    ? value.map((item: unknown) => (isPhrase(item) ? [item] : Array.isArray(item) ? (item as unknown[]) : []))
    : [];
  const begins = (a: readonly number[], b: readonly number[]) => a.every((token, place) => b[place] === token);
  const good = (list: unknown[]) =>
    list.length > 0 && list.every(isPhrase) && list.every((a) => list.every((b) => a === b || !begins(a, b)));
  if (phrases.length > 0 && phrases.every(good)) return phrases as number[][][];
  throw new TsumugiError("invalid_option", {
    option,
    expected: "a list of phrases (token ids), or of lists of phrases of which none begins another",
    given: value,
  });
};

const earlyStopping: OptionParser<boolean | "never"> = (value, option) => {
  if (typeof value === "boolean" || value === "never") return value;
  throw new TsumugiError("invalid_option", { option, expected: "true, false or 'never'", given: value });
};

const schedules = ["constant", "heuristic", "heuristic_transient"];
const schedule: OptionParser<string> = (value, option) => {
  if (schedules.includes(value as string)) return value as string;
  const expected = `one of ${schedules.map((name) => `"${name}"`).join(", ")}`;
  throw new TsumugiError("invalid_option", { option, expected, given: value });
};

/** A token id for all rows, or one for each. */
const oneOrMany: OptionParser<number | number[]> = (value, option) => {
  const ids = tokenIds(value, option);
  return Array.isArray(value) ? ids : ids[0]!;
};

/** Every field of transformers' GenerationConfig, in camelCase; files and the wire spell them in snake_case. */
export const generationFields: { readonly [field: string]: GenerationField } = {
  // length
  maxLength: works(whole(1)),
  maxNewTokens: works(whole(1)),
  maxTime: works(finite("a number of seconds above 0", (seconds) => seconds > 0)),
  stopStrings: works(texts),
  earlyStopping: works(earlyStopping, false),
  // strategy
  doSample: works(boolean, false),
  numBeams: works(whole(1), 1),
  useMtp: refused(drafting, false),
  speculationType: refused(drafting, "dflash"),
  // cache
  useCache: refused("the engine always uses its KV cache", true),
  cacheImplementation: refused(cache, "dynamic", "hybrid", "paged"),
  cacheConfig: refused(cache),
  maxCacheLen: refused(cache),
  prefillChunkSize: refused("the scheduler chooses the chunks"),
  continuousBatchingConfig: refused("the engine always batches continuously, and needs no setting for it"),
  // logits: what the processors define, and the rest
  ...Object.fromEntries(
    processorDefinitions.map(({ name, parse, sampling, callOnly, default: value }) => [
      name,
      { supported: true, parse, default: value, sampling, callOnly } satisfies SupportedField,
    ]),
  ),
  lengthPenalty: works(
    finite("a finite number", () => true),
    1,
  ),
  tokenHealing: refused(
    "give the prompt without its last token, and allow what begins like it by `prefixAllowedTokensFn`",
    false,
  ),
  // output
  numReturnSequences: works(whole(1), 1),
  outputLogits: works(boolean, false),
  returnDictInGenerate: works(boolean, false),
  outputScores: works(boolean, false),
  outputAttentions: works(boolean, false),
  outputHiddenStates: works(boolean, false),
  // tokens
  padTokenId: works(whole(0)),
  bosTokenId: works(whole(0)),
  eosTokenId: works(tokenIds),
  decoderStartTokenId: works(oneOrMany),
  // assistance
  isAssistant: refused("a model assists when another one is given it as `assistantModel`", false),
  numAssistantTokens: works(whole(1), 20),
  numAssistantTokensSchedule: works(schedule, "constant"),
  assistantConfidenceThreshold: works(
    finite("a number from 0 to 1", (threshold) => threshold >= 0 && threshold <= 1),
    0.4,
  ),
  promptLookupNumTokens: works(whole(1)),
  maxMatchingNgramSize: works(whole(1), 2),
  assistantEarlyExit: refused(`a model runs with all its layers; ${drafting}`),
  assistantLookbehind: refused(universal, 10),
  targetLookbehind: refused(universal, 10),
  assistantEnsembleWeight: refused("drafts change no answer; this would mix the assistant's opinion in"),
  // performance
  compileConfig: refused("there is nothing to compile"),
  disableCompile: refused("there is nothing to compile", false, true),
  // gone from transformers itself
  lowMemory: refused("memory is planned before a model loads, and candidates and beams share what they have in common", false),
  penaltyAlpha: works(
    finite("a number from 0 to 1", (alpha) => alpha >= 0 && alpha <= 1),
    0,
  ),
  dolaLayers: refused(removed),
  diversityPenalty: works(
    finite("a number of at least 0", (penalty) => penalty >= 0),
    0,
  ),
  numBeamGroups: works(whole(1), 1),
  constraints: refused("it takes Python objects; set `forceWordsIds`"),
  forceWordsIds: works(forceWordsIds),
};

/** Names of all fields, supported or not. */
export const generationFieldNames: readonly string[] = Object.keys(generationFields);

/** True where a refused field's value changes nothing. */
export function isOff(field: RefusedField, value: unknown): boolean {
  return value === undefined || value === null || field.off.includes(value);
}
