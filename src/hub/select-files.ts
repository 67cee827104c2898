import { TsumugiError } from "../errors.ts";

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
/** The usual names of weights, the preferred one first. */
export const weightNames = ["model.safetensors.index.json", "model.safetensors"];

/** Every fixed name that a chooser may ask for. A cache is judged by them when no listing can be had. */
export const wellKnownNames = [...configurationNames, ...tokenizerNames, ...weightNames];

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
 * Chooses the index where there is one (`resolveModel` adds the files that it names), else model.safetensors, else shards
 * that are numbered but have no index, else the only safetensors file that there is. Adapters do not count as weights.
 */
export function selectWeightFiles(names: string[]): string[] {
  for (const name of weightNames) if (names.includes(name)) return [name];
  const others = names.filter((name) => /^[^/]+\.safetensors$/.test(name) && !name.startsWith("adapter_"));
  const shards = others.filter((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name));
  if (shards.length > 0) return shards;
  return others.length === 1 ? others : [];
}

/** Throws `safetensors_required` when a repository has weights, but none that can be read. */
export function refuseOtherWeights(repository: string, names: string[]): void {
  if (selectWeightFiles(names).length > 0) return;
  const found = names.filter((name) => /\.(bin|pt|pth|gguf|onnx|h5|msgpack|ot)$/.test(name) && name !== "training_args.bin");
  if (found.length === 0) return;
  const shown = found.slice(0, 3).join(", ");
  const more = found.length > 3 ? ` and ${found.length - 3} more` : "";
  throw new TsumugiError("safetensors_required", { repository, found: `${shown}${more}` });
}

function isTokenizerFile(name: string): boolean {
  if (tokenizerNames.includes(name) || rareTokenizerNames.includes(name)) return true;
  return /^[^/]+\.model$/.test(name) || /^additional_chat_templates\/[^/]+\.jinja$/.test(name);
}
