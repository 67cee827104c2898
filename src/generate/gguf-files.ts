import type { GgufModel } from "../formats/gguf/model.ts";
import { type ModelFiles, modelFilesOf } from "../hub/model-files.ts";
import { convertGguf } from "../tokenizer/index.ts";

type Metadata = GgufModel["metadata"];

/** The files that a model of transformers has beside its weights, made of the metadata of a GGUF file. */
export function ggufModelFiles(id: string, path: string, metadata: Metadata, config?: Record<string, unknown>): ModelFiles {
  let converted: ReturnType<typeof convertGguf> | undefined;
  const tokenizer = () => {
    converted ??= convertGguf(metadata, path);
    return converted;
  };
  const made: { readonly [file: string]: () => unknown } = {
    ...(config && { "config.json": () => config }),
    "generation_config.json": () => generationConfig(metadata),
    "tokenizer.json": () => tokenizer().tokenizerJson,
    "tokenizer_config.json": () => ({ ...tokenizer().tokenizerConfig, ...contextOf(metadata) }),
  };
  const value = (file: string) => (Object.hasOwn(made, file) ? made[file]!() : undefined);
  const files = modelFilesOf({
    ...{ id, directory: path },
    list: async () => Object.keys(made).sort(),
    readBytes: async (file) => {
      const content = value(file);
      return content === undefined ? undefined : new TextEncoder().encode(JSON.stringify(content));
    },
  });
  return { ...files, readJson: async (file) => value(file), isMade: true };
}

function contextOf(metadata: Metadata): { model_max_length?: number } {
  const context = metadata.get(`${String(metadata.get("general.architecture"))}.context_length`);
  return typeof context === "number" ? { model_max_length: context } : {};
}

/**
 * Tokens that end an answer by their names, where they are control tokens and the file has no other use for them: files name one
 * or two. Source: llama.cpp.
 */
const endNames = new Set([
  ...["<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"],
  ...["<|eom_id|>", "<EOT>", "_<EOT>", "<｜end▁of▁sentence｜>"],
]);

/** What general.sampling.… recommends, by the names of generation_config.json. */
const sampling = {
  temp: "temperature",
  top_k: "top_k",
  top_p: "top_p",
  min_p: "min_p",
  penalty_repeat: "repetition_penalty",
} as const;

function generationConfig(metadata: Metadata): Record<string, unknown> {
  const id = (name: string) => {
    const value = metadata.get(`tokenizer.ggml.${name}_token_id`);
    return typeof value === "number" ? value : undefined;
  };
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const types = metadata.get("tokenizer.ggml.token_type");
  const named = (Array.isArray(tokens) ? tokens : []).flatMap((token, index) => {
    const isControl = (types as readonly unknown[] | undefined)?.[index] === 3;
    return isControl && endNames.has(token as string) && index !== id("bos") && index !== id("padding") ? [index] : [];
  });
  const ends = [id("eos"), id("eot"), id("eom"), ...named].filter((end) => end !== undefined);
  const recommended = Object.entries(sampling).flatMap(([key, field]) => {
    const value = metadata.get(`general.sampling.${key}`);
    return typeof value === "number" ? [[field, value] as const] : [];
  });
  const given = {
    bos_token_id: id("bos"),
    eos_token_id: ends.length === 0 ? undefined : [...new Set(ends)],
    // texts begin with a BOS, which would be taken for padding
    pad_token_id: id("padding") === id("bos") ? undefined : id("padding"),
    ...Object.fromEntries(recommended),
    do_sample: recommended.length > 0 ? true : undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
