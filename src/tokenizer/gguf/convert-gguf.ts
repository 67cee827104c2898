import { TsumugiError } from "../../errors.ts";
import { bpeKindOf } from "./pre-tokenizers.ts";
import { GgufVocabulary, type TokenizerMetadata } from "./vocabulary.ts";

/** A tokenizer.json and a tokenizer_config.json, in memory. */
export interface ConvertedGguf {
  tokenizerJson: Record<string, unknown>;
  tokenizerConfig: Record<string, unknown>;
}

interface Recipe {
  parts: Record<string, unknown>;
  /** What is put around texts where the file does not say. */
  addsBos: boolean;
  addsEos: boolean;
}

/**
 * The tokenizer of a GGUF file, by its metadata (`tokenizer.ggml.…`, `tokenizer.chat_template…`): SentencePiece's BPE ("llama"),
 * byte-level BPE ("gpt2"), WordPiece ("bert") and Unigram ("t5"). Source: llama.cpp's llama-vocab.cpp.
 *
 * @throws TsumugiError `unsupported_tokenizer`, `invalid_tokenizer_file`
 */
export function convertGguf(metadata: TokenizerMetadata, file: string): ConvertedGguf {
  const model = metadata.get("tokenizer.ggml.model");
  const recipe = typeof model === "string" && Object.hasOwn(recipes, model) ? recipes[model] : undefined;
  if (!recipe) {
    const what = `\`tokenizer.ggml.model\` of a GGUF file other than ${Object.keys(recipes).join(", ")}`;
    throw new TsumugiError("unsupported_tokenizer", { what, given: model ?? "nothing" });
  }
  const vocabulary = new GgufVocabulary(metadata, file);
  const { parts, addsBos, addsEos } = recipe(vocabulary);
  const named = specials.flatMap(([key, name]) => {
    const token = vocabulary.tokenOf(`tokenizer.ggml.${key}_token_id`);
    return token === undefined ? [] : [[name, token] as const];
  });
  const tokens = new Map(named);
  const bos = (vocabulary.flag("add_bos_token") ?? addsBos) ? (tokens.get("bos_token") ?? tokens.get("cls_token")) : undefined;
  const eos = (vocabulary.flag("add_eos_token") ?? addsEos) ? (tokens.get("eos_token") ?? tokens.get("sep_token")) : undefined;
  const post_processor = vocabulary.around(bos, eos);
  return {
    tokenizerJson: {
      added_tokens: vocabulary.addedTokens(new Set(tokens.values())),
      ...{ normalizer: null, pre_tokenizer: null, post_processor },
      ...parts,
    },
    tokenizerConfig: {
      ...Object.fromEntries(tokens),
      ...{ padding_side: "left", clean_up_tokenization_spaces: false },
      ...chatTemplates(metadata),
    },
  };
}

const specials = [
  ["bos", "bos_token"],
  ["eos", "eos_token"],
  ["unknown", "unk_token"],
  ["padding", "pad_token"],
  ["seperator", "sep_token"], // the files' own spelling
  ["mask", "mask_token"],
  ["cls", "cls_token"],
] as const;

/** The default template, and those with names. */
function chatTemplates(metadata: TokenizerMetadata): { chat_template?: unknown } {
  const prefix = "tokenizer.chat_template";
  const templates: { name: string; template: string }[] = [];
  for (const [key, value] of metadata) {
    if (typeof value !== "string" || !(key === prefix || key.startsWith(`${prefix}.`))) continue;
    templates.push({ name: key === prefix ? "default" : key.slice(prefix.length + 1), template: value });
  }
  const [first] = templates;
  if (first === undefined) return {};
  return { chat_template: templates.length === 1 && first.name === "default" ? first.template : templates };
}

const recipes: { readonly [model: string]: (vocabulary: GgufVocabulary) => Recipe } = {
  llama: sentencePiece,
  gpt2: byteLevel,
  bert: wordPiece,
  t5: unigram,
};

const replace = (from: string, to: string) => ({ type: "Replace", pattern: { String: from }, content: to });
const sequence = (name: "normalizers" | "decoders" | "pretokenizers", parts: readonly object[]) =>
  parts.length === 1 ? parts[0] : { type: "Sequence", [name]: parts };

/** A space is put before each text and behind each special token, as SentencePiece and llama.cpp do. */
function sentencePiece(vocabulary: GgufVocabulary): Recipe {
  const hasPrefix = vocabulary.flag("add_space_prefix") ?? true;
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  const decoders = [replace("▁", " "), { type: "ByteFallback" }, { type: "Fuse" }, ...(hasPrefix ? [strip] : [])];
  return {
    parts: {
      normalizer: sequence("normalizers", [...(hasPrefix ? [{ type: "Prepend", prepend: "▁" }] : []), replace(" ", "▁")]),
      model: {
        type: "BPE",
        ...vocabulary.unknownToken(),
        ...{ fuse_unk: true, byte_fallback: true, vocab: vocabulary.ids(), merges: vocabulary.scoredMerges() },
      },
      decoder: sequence("decoders", decoders),
    },
    ...{ addsBos: true, addsEos: false },
  };
}

function byteLevel(vocabulary: GgufVocabulary): Recipe {
  const kind = bpeKindOf(vocabulary.text("pre") ?? "default");
  const splits = kind.patterns.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }));
  const hasPrefix = vocabulary.flag("add_space_prefix") ?? false;
  const bytes = { type: "ByteLevel", add_prefix_space: hasPrefix, trim_offsets: true, use_regex: false };
  return {
    parts: {
      normalizer: kind.composes ? { type: "NFC" } : null,
      pre_tokenizer: sequence("pretokenizers", [...splits, bytes]),
      model: {
        ...{ type: "BPE", fuse_unk: false, byte_fallback: false, ignore_merges: kind.ignoresMerges ?? false },
        ...{ vocab: vocabulary.ids(), merges: vocabulary.listedMerges() },
      },
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    },
    ...{ addsBos: kind.addsBos ?? false, addsEos: false },
  };
}

/** Pieces that begin a word have a mark in the file, where BERT's own vocabulary marks the others. */
function wordPiece(vocabulary: GgufVocabulary): Recipe {
  const piece = (token: string) => {
    if (token.startsWith("[") && token.endsWith("]")) return token;
    return token.startsWith("▁") ? token.slice(1) : `##${token}`;
  };
  const vocab = vocabulary.ids(piece);
  const unk_token = vocabulary.tokenOf("tokenizer.ggml.unknown_token_id") ?? "[UNK]";
  return {
    parts: {
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: true,
        lowercase: true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      model: { type: "WordPiece", unk_token, continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab },
      decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    },
    ...{ addsBos: true, addsEos: true },
  };
}

function unigram(vocabulary: GgufVocabulary): Recipe {
  const table = vocabulary.characterTable();
  const scheme = (vocabulary.flag("add_space_prefix") ?? true) ? "always" : "never";
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split: true };
  const cuts = (vocabulary.flag("remove_extra_whitespaces") ?? false) ? [{ type: "WhitespaceSplit" }] : [];
  return {
    parts: {
      normalizer: table === undefined ? null : { type: "Precompiled", precompiled_charsmap: table },
      pre_tokenizer: sequence("pretokenizers", [...cuts, metaspace]),
      model: {
        ...{ type: "Unigram", unk_id: vocabulary.idOf("tokenizer.ggml.unknown_token_id") ?? 2 },
        ...{ vocab: vocabulary.scoredPieces(), byte_fallback: false },
      },
      decoder: metaspace,
    },
    ...{ addsBos: false, addsEos: true },
  };
}
