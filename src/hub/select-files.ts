import { TsumugiError } from "../errors.ts";
import { adapterNames, describeOtherWeights, findWeightFiles, weightNames } from "../formats/weight-files.ts";
import { printable } from "../util/printable.ts";

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

/**
 * Refuses, before anything is downloaded, a repository whose files are no model that is read here: one with weights of other
 * kinds only (`safetensors_required`), or without config.json (`model_incomplete`).
 */
export function refuseUnreadable({ repository, endpoint }: Repository, names: readonly string[]): void {
  const { weights, adapter } = findWeightFiles(names);
  if (adapter.length === adapterNames.length) return;
  const found = weights === undefined ? describeOtherWeights(names, repository) : undefined;
  if (found !== undefined) throw new TsumugiError("safetensors_required", { repository, found });
  if (names.includes("config.json")) return;
  const directory = `${endpoint}/${repository}`;
  throw new TsumugiError("model_incomplete", { directory, reason: `has no config.json; ${describeFiles(names)}` });
}

/** What a repository without config.json may be. */
function describeFiles(names: readonly string[]): string {
  if (names.includes("model_index.json")) return "its model_index.json makes it a pipeline of diffusers, which makes no text";
  const inner = names.find((name) => /^[^/]+\/config\.json$/.test(name));
  if (inner !== undefined) return `there is ${printable(inner)}, and folders inside a repository are not loaded from the Hub`;
  const shown = names.slice(0, 5).map((name) => printable(name, 100));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  return shown.length === 0 ? "it has no files at all" : `there is ${shown.join(", ")}${more}`;
}

type Repository = { repository: string; endpoint: string };

function isTokenizerFile(name: string): boolean {
  if (tokenizerNames.includes(name) || rareTokenizerNames.includes(name)) return true;
  return /^[^/]+\.model$/.test(name) || /^additional_chat_templates\/[^/]+\.jinja$/.test(name);
}
