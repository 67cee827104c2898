import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";
import type { SentencePiece, SentencePieceModel } from "./sentencepiece-model.ts";
import { tokenText } from "./token-spec.ts";
import { genericClass } from "./tokenizer-class.ts";

/** A tokenizer.json, and what the class sets where tokenizer_config.json is silent. */
export interface Converted {
  tokenizerJson: Record<string, unknown>;
  defaults: Record<string, unknown>;
}

type Config = Record<string, unknown>;

const metaspace = (scheme: string, split: boolean) => ({
  ...{ type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split },
});
const toSpaces = { type: "Replace", pattern: { String: "▁" }, content: " " };
const toMarks = { type: "Replace", pattern: { String: " " }, content: "▁" };
const joined = [toSpaces, { type: "ByteFallback" }, { type: "Fuse" }];
const sequence = (decoders: object[]) => ({ type: "Sequence", decoders });

/**
 * A SentencePiece model as a tokenizer.json, by the recipe of `className` in transformers 5.18. The recipes say how text is
 * normalised and cut; of the model's own settings only the table of characters counts (so `add_dummy_prefix` does not).
 * Errors: `unsupported_tokenizer`.
 */
export function convertSentencePiece(model: SentencePieceModel, className: string, config: Config): Converted {
  switch (className) {
    case "T5Tokenizer":
      return t5(model, config);
    case "LlamaTokenizer":
      return llama(model, config);
    case "GemmaTokenizer":
      return gemma(model, config);
    case genericClass:
      return backend(model, config);
    default:
      throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer_class over a SentencePiece model", given: className });
  }
}

function t5(model: SentencePieceModel, config: Config): Converted {
  const extraIds = extraIdsOf(config);
  const extra = Array.from({ length: extraIds }, (_, i) => `<extra_id_${extraIds - 1 - i}>`);
  const vocab = [...scored(model), ...extra.map((token) => [token, 0] as const)];
  const known = new Map(vocab.map(([piece], id) => [piece, id]));
  const eosToken = tokenText(config.eos_token) ?? "</s>";
  const eos = known.get(eosToken);
  if (eos === undefined || vocab.length < 3)
    throw new TsumugiError("unsupported_tokenizer", { what: "a T5 tokenizer whose eos_token is not a piece", given: eosToken });
  const extraTokens = extra.map((content) => addedToken(known.get(content) as number, content, true));
  const end = { SpecialToken: { id: "</s>", type_id: 0 } };
  const [a, b] = [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }];
  return {
    defaults: { eos_token: "</s>", unk_token: "<unk>", pad_token: "<pad>" },
    tokenizerJson: {
      added_tokens: [...addedTokens(model), ...extraTokens],
      normalizer: precompiled(model),
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace("always", true)] },
      // The class counts on T5's own order, so texts of other vocabularies get id 2 where they have no piece.
      model: { type: "Unigram", unk_id: 2, vocab, byte_fallback: false },
      decoder: metaspace("always", true),
      post_processor: {
        type: "TemplateProcessing",
        single: [a, end],
        pair: [a, end, b, end],
        special_tokens: { "</s>": { id: "</s>", ids: [eos], tokens: [eosToken] } },
      },
    },
  };
}

/** More than any model has by far; each is a token of its own. */
const mostExtraIds = 100_000;

function extraIdsOf({ extra_ids: given = 100 }: Config): number {
  if (Number.isInteger(given) && (given as number) >= 0 && (given as number) <= mostExtraIds) return given as number;
  const reason = `\`extra_ids\` must be a whole number from 0 to ${mostExtraIds}; given: ${showValue(given)}`;
  throw new TsumugiError("invalid_tokenizer_file", { file: "tokenizer_config.json", reason });
}

function llama(model: SentencePieceModel, config: Config): Converted {
  const prefix = config.add_prefix_space !== false;
  const scheme = prefix ? (config.legacy === true ? "always" : "first") : "never";
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    defaults: { unk_token: "<unk>", bos_token: "<s>", eos_token: "</s>", padding_side: "left" },
    tokenizerJson: {
      added_tokens: addedTokens(model),
      normalizer: null,
      pre_tokenizer: metaspace(scheme, false),
      model: bpe(model.pieces, { fuse_unk: true, byte_fallback: true }),
      decoder: sequence(prefix ? [...joined, strip] : joined),
      post_processor: null,
    },
  };
}

function gemma(model: SentencePieceModel, config: Config): Converted {
  const unk = tokenText(config.unk_token) ?? "<unk>";
  return {
    defaults: {
      ...{ unk_token: "<unk>", bos_token: "<bos>", eos_token: "<eos>", pad_token: "<pad>", mask_token: "<mask>" },
      padding_side: "left",
    },
    tokenizerJson: {
      added_tokens: addedTokens(model),
      normalizer: toMarks,
      pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
      model: bpe(model.pieces, { unk_token: unk, fuse_unk: true, byte_fallback: true }),
      decoder: sequence(joined),
      post_processor: null,
    },
  };
}

function backend(model: SentencePieceModel, config: Config): Converted {
  const table = precompiled(model);
  const defaults: Config = {};
  if (model.bosId >= 0) defaults.bos_token = model.bosPiece;
  if (model.eosId >= 0) defaults.eos_token = model.eosPiece;
  if (model.unkId >= 0) defaults.unk_token = model.unkPiece;
  const options = { unk_token: model.unkPiece, fuse_unk: true, byte_fallback: model.byteFallback };
  const unigram = {
    type: "Unigram",
    unk_id: model.unkId < 0 ? null : model.unkId,
    vocab: scored(model),
    byte_fallback: model.byteFallback,
  };
  return {
    defaults,
    tokenizerJson: {
      added_tokens: addedTokens(model),
      normalizer: { type: "Sequence", normalizers: table ? [table, toMarks] : [toMarks] },
      pre_tokenizer: null,
      model: model.type === "bpe" ? bpe(model.pieces, options, config.added_tokens_decoder) : unigram,
      decoder: sequence(model.byteFallback ? joined : [toSpaces]),
      post_processor: null,
    },
  };
}

function scored(model: SentencePieceModel): (readonly [string, number])[] {
  return model.pieces.map(({ piece, score }) => [piece, score] as const);
}

/** Control symbols are special tokens; user-defined symbols are found in text, and decoded, as any other token. */
function addedTokens(model: SentencePieceModel): object[] {
  return model.pieces.flatMap(({ piece, kind }, id) =>
    kind === "control" || kind === "user-defined" ? [addedToken(id, piece, kind === "control")] : [],
  );
}

/** An added token as tokenizer.json writes it, found in text as it is. */
function addedToken(id: number, content: string, special: boolean): object {
  return { ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false }, special };
}

function precompiled(model: SentencePieceModel): object | null {
  if (model.charsmap.length === 0) return null;
  let binary = "";
  for (let at = 0; at < model.charsmap.length; at += 8192)
    binary += String.fromCharCode(...model.charsmap.subarray(at, at + 8192));
  return { type: "Precompiled", precompiled_charsmap: btoa(binary) };
}

/**
 * A BPE model: its merges are all pairs of pieces that make a piece, in the order of the pieces made. `renamed` (an
 * added_tokens_decoder) gives placeholders among the pieces other names.
 */
function bpe(pieces: readonly SentencePiece[], options: object, renamed?: unknown): object {
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id]));
  const merges: [string, string][] = [];
  for (const piece of ids.keys())
    for (let cut = 1; cut < piece.length; cut++) {
      const [left, right] = [piece.slice(0, cut), piece.slice(cut)];
      if (ids.has(left) && ids.has(right)) merges.push([left, right]);
    }
  if (isRecord(renamed))
    for (const [key, value] of Object.entries(renamed)) {
      const content = tokenText(value);
      const current = pieces[Number(key)]?.piece;
      if (content === undefined || current === undefined || current === content || ids.has(content)) continue;
      ids.delete(current);
      ids.set(content, Number(key));
    }
  return { type: "BPE", ...options, vocab: Object.fromEntries(ids), merges };
}
