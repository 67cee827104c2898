import type { GenerationConfig } from "../decoding/generation-config.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import { resolveSettings } from "../decoding/resolve-settings.ts";
import { refuseUnknown } from "../util/unknown-options.ts";
import { generateOptionNames } from "./generate-options.ts";
import { fromPretrainedNames, loadRefusals } from "./load-options.ts";
import { callRefusals } from "./pipeline-options.ts";

/**
 * Splits the options of `pipeline` into those that load a model and the rest, which every call takes where it does not name
 * them, as in transformers. `ownNames`: the pipeline's own options of a call.
 *
 * @throws `unknown_option`, `unsupported_option`
 */
export function splitPipelineOptions(options: object, ownNames: readonly string[]): { load: object; defaults: object } {
  const loading = ["model", "tokenizer", ...fromPretrainedNames];
  const { tokenizer: _, ...refusals } = callRefusals;
  refuseUnknown(options, [...loading, ...ownNames, ...generateOptionNames], {
    ...refusals,
    ...loadRefusals,
    framework: "there is one engine",
    modelKwargs: "give loading options beside `model`",
    assistantTokenizer: "the assistant must have this model's own vocabulary",
  });
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    load: Object.fromEntries(entries.filter(([name]) => fromPretrainedNames.includes(name))),
    defaults: Object.fromEntries(entries.filter(([name]) => !loading.includes(name))),
  };
}

/** Checks the values of fields of GenerationConfig among a pipeline's defaults; `files`: what the pipeline itself decides. */
export function checkDefaultFields(defaults: object & { generationConfig?: GenerationConfig }, files: GenerationConfig): void {
  const fields = Object.entries(defaults).filter(([name]) => generationFieldNames.includes(name));
  resolveSettings(Object.fromEntries(fields), defaults.generationConfig ?? {}, files);
}

/** Options of which a call's one takes the place of the others, although the default was another of them. */
const kinds = [
  ["returnFullText", "returnTensors", "returnText"],
  ["stopSequence", "eosTokenId"],
  ["maxNewTokens", "maxLength"],
];

/** A call's options over a pipeline's defaults. */
export function overDefaults<Options extends object>(defaults: Options, call: Options): Options {
  if (Object.keys(defaults).length === 0 || typeof call !== "object" || call === null || Array.isArray(call)) return call;
  const named = Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined));
  const replaced = kinds.filter((names) => names.some((name) => name in named)).flat();
  const kept = Object.entries(defaults).filter(([name]) => !replaced.includes(name));
  return { ...Object.fromEntries(kept), ...named } as Options;
}
