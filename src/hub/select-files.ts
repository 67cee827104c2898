import { TsumugiError } from "../errors.ts";
import { adapterNames, describeOtherWeights, findWeightFiles, weightNames } from "../formats/weight-files.ts";

/** Names of tokenizer files that are looked for at the root of a repository. */
const tokenizerNames = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
  "chat_template.json",
];

/** Files that only one class of tokenizers has (GPT-NeoX Japanese). They are not missed elsewhere. */
const rareTokenizerNames = ["vocab.txt", "emoji.json"];

const configurationNames = ["config.json", "generation_config.json"];

/** Every fixed name that a chooser may ask for. A cache is judged by them when no listing can be had. */
export const wellKnownNames: readonly string[] = [...configurationNames, ...tokenizerNames, ...weightNames, ...adapterNames];

/**
 * The files of a tokenizer with its chat templates, and config.json (which names the model's type).
 *
 * @example
 * ```ts
 * await resolveModel("Qwen/Qwen3-0.6B", { files: selectTokenizerFiles });
 * ```
 */
export function selectTokenizerFiles(names: string[]): string[] {
  return names.filter((name) => name === "config.json" || isTokenizerFile(name));
}

/** What text generation reads: configuration, tokenizer, chat templates, and the weights as safetensors. The default. */
export function selectTextGenerationFiles(names: string[]): string[] {
  const small = names.filter((name) => configurationNames.includes(name) || isTokenizerFile(name));
  return [...small, ...selectWeightFiles(names)];
}

/**
 * The files that hold weights: model.safetensors, else the index of shards (`resolveModel` adds the files that it names); and
 * those of an adapter. Nothing else is downloaded, because nothing else is opened.
 */
export function selectWeightFiles(names: readonly string[]): string[] {
  const { weights, adapter } = findWeightFiles(names);
  return [...(weights === undefined ? [] : [weights]), ...adapter];
}

/** Throws `safetensors_required` when a repository has weights, but none that can be read. */
export function refuseOtherWeights(repository: string, names: readonly string[]): void {
  const { weights, adapter } = findWeightFiles(names);
  if (weights !== undefined || adapter.length === adapterNames.length) return;
  const found = describeOtherWeights(names, repository);
  if (found !== undefined) throw new TsumugiError("safetensors_required", { repository, found });
}

function isTokenizerFile(name: string): boolean {
  if (tokenizerNames.includes(name) || rareTokenizerNames.includes(name)) return true;
  return /^[^/]+\.model$/.test(name) || /^additional_chat_templates\/[^/]+\.jinja$/.test(name);
}
