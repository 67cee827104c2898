/** A field that is known and refused, except at values that change nothing. */
export interface RefusedField {
  supported: false;
  reason: string;
  /** Values that mean "off". */
  off: readonly unknown[];
}

const refused = (reason: string, ...off: readonly unknown[]): RefusedField => ({ supported: false, reason, off });

const drafting = "drafts come from `assistantModel` or `promptLookupNumTokens`";
const universal = "the assistant must have the model's own vocabulary";
const removed = "transformers 5 removed this decoding mode too";
const cache = "the engine has one paged KV cache, which needs no setting here";

/** Fields of transformers' GenerationConfig that do not work here, with the reason. */
export const refusedFields: { readonly [field: string]: RefusedField } = {
  useMtp: refused(drafting, false),
  speculationType: refused(drafting, "dflash"),
  useCache: refused("the engine always uses its KV cache", true),
  cacheImplementation: refused(cache, "dynamic", "hybrid", "paged"),
  cacheConfig: refused(cache),
  maxCacheLen: refused(cache),
  prefillChunkSize: refused("the scheduler chooses the chunks"),
  continuousBatchingConfig: refused("the engine always batches continuously, and needs no setting for it"),
  tokenHealing: refused(
    "give the prompt without its last token, and allow what begins like it by `prefixAllowedTokensFn`",
    false,
  ),
  isAssistant: refused("a model assists when another one is given it as `assistantModel`", false),
  assistantEarlyExit: refused(`a model runs with all its layers; ${drafting}`),
  assistantLookbehind: refused(universal, 10),
  targetLookbehind: refused(universal, 10),
  assistantEnsembleWeight: refused("drafts change no answer; this would mix the assistant's opinion in"),
  compileConfig: refused("there is nothing to compile"),
  disableCompile: refused("there is nothing to compile", false, true),
  lowMemory: refused("memory is planned before a model loads, and candidates and beams share what they have in common", false),
  dolaLayers: refused(removed),
  constraints: refused("it takes Python objects; set `forceWordsIds`"),
};

/** True where a refused field's value changes nothing. */
export function isOff(field: RefusedField, value: unknown): boolean {
  return value === undefined || value === null || field.off.includes(value);
}
