import { TsumugiError } from "../errors.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { decodeTokens } from "./decode-stream.ts";
import { layoutOf, oneOf, refuseUnknownOptions } from "./options.ts";
import { padRows } from "./padding.ts";
import { addedLength, bosEosProcessor, createPostProcessor } from "./post-processor.ts";
import { inSlices } from "./slices.ts";
import { createSpecialTokens } from "./special-tokens.ts";
import { createModel, createTextEncoder } from "./text-encoder.ts";
import type {
  ApplyChatTemplate,
  BatchEncoding,
  ChatTemplateImplementation,
  DecodeOptions,
  Decoding,
  EncodeOptions,
  Encoding,
  Side,
  Tokenizer,
  TokenizerFiles,
} from "./tokenizer.ts";
import { readSettings } from "./tokenizer-config.ts";
import { createVocabulary } from "./vocabulary.ts";

const padOptions = ["padding", "maxLength", "padToMultipleOf", "paddingSide"];
const encodeOptions = ["addSpecialTokens", "truncation", "textPair", ...padOptions];
const decodeOptions = ["skipSpecialTokens", "cleanUpTokenizationSpaces", "unknownIds"];
const decodeTypes = { skipSpecialTokens: "boolean", cleanUpTokenizationSpaces: "boolean" } as const;

/** Options of `createTokenizer`. */
export interface CreateTokenizerOptions {
  applyChatTemplate?: ChatTemplateImplementation;
  addBosToken?: boolean;
  addEosToken?: boolean;
}

/**
 * Makes a tokenizer of parsed files.
 *
 * tokenizer.json is the truth; tokenizer_config.json overrides special tokens, sides, the longest length and the chat
 * template. An explicit `addBosToken` or `addEosToken` takes the post-processor's place with `[bos] text [eos]`.
 * `applyChatTemplate` is what `tokenizer.applyChatTemplate` calls: pass the one of `chat/`.
 *
 * Errors: `unsupported_tokenizer`.
 *
 * @example
 * ```ts
 * const tokenizer = createTokenizer({ tokenizerJson: JSON.parse(text) });
 * tokenizer.encode("Hello");
 * ```
 */
export function createTokenizer(files: TokenizerFiles, options: CreateTokenizerOptions = {}): Tokenizer {
  const { applyChatTemplate, addBosToken, addEosToken } = options;
  const settings = readSettings(files);
  const json = files.tokenizerJson as Record<string, unknown>;
  const model = createModel(json);
  const vocabulary = createVocabulary(json, model, settings);
  const encoder = createTextEncoder(model, json.pre_tokenizer, vocabulary.added);
  const special = createSpecialTokens(settings, vocabulary);
  const replaced = addBosToken !== undefined || addEosToken !== undefined;
  const { single, pair } =
    replaced || !json.post_processor
      ? bosEosProcessor(addBosToken ? special.bosTokenId : undefined, addEosToken ? special.eosTokenId : undefined)
      : createPostProcessor(json.post_processor);
  const decoding: Decoding = {
    decoder: json.decoder ?? null,
    tokenOf: vocabulary.tokenOf,
    isSpecial: vocabulary.isSpecial,
    cleanUp: settings.cleanUp && model.type !== "BPE",
    isBpe: model.type === "BPE",
  };

  const encodeRow = (
    text: string,
    partner: string | undefined,
    options: EncodeOptions,
    limit: number,
    known?: readonly number[],
  ): number[] => {
    const template = partner === undefined ? single : pair;
    const withSpecial = options.addSpecialTokens !== false;
    const budget = Math.max(0, limit - (withSpecial ? addedLength(template) : 0));
    const ids = known ?? encoder.encode(text).ids;
    const first =
      ids.length <= budget
        ? ids
        : tokenizer.truncationSide === "left"
          ? ids.slice(-budget || ids.length)
          : ids.slice(0, budget);
    const second = partner === undefined ? [] : encoder.encode(partner).ids;
    return template.flatMap((part) => (part === "A" ? first : part === "B" ? second : withSpecial ? [...part] : []));
  };

  const encodeBatch = (texts: readonly string[], options: EncodeOptions, known?: readonly number[]): BatchEncoding => {
    refuseUnknownOptions(options, encodeOptions);
    checkOptionTypes(options, { addSpecialTokens: "boolean" });
    oneOf("truncationSide", tokenizer.truncationSide, ["left", "right"]);
    const layout = layoutOf(options, tokenizer);
    if (layout.padding !== "none" && special.padTokenId === undefined) throw new TsumugiError("missing_pad_token");
    const partners = typeof options.textPair === "string" ? [options.textPair] : options.textPair;
    if (partners && partners.length !== texts.length)
      throw new TsumugiError("invalid_option", {
        option: "textPair",
        expected: `${texts.length} texts`,
        given: partners.length,
      });
    if (partners && layout.truncate)
      throw new TsumugiError("unsupported_option", { option: "textPair", reason: "pairs are not truncated" });
    const limit = layout.truncate ? layout.maxLength : Number.POSITIVE_INFINITY;
    const rows = texts.map((text, i) => encodeRow(checkText(text), partners?.[i], options, limit, known));
    return padRows(rows, undefined, layout, special.padTokenId);
  };

  function call(text: string | readonly string[], options: EncodeOptions = {}): Encoding | BatchEncoding {
    if (typeof text !== "string" && !Array.isArray(text)) checkText(text as unknown as string);
    const batch = encodeBatch(typeof text === "string" ? [text] : text, options);
    if (typeof text !== "string") return batch;
    return { inputIds: batch.inputIds[0] ?? [], attentionMask: batch.attentionMask[0] ?? [] };
  }

  const tokenOf = (id: number): string | undefined => {
    if (!Number.isSafeInteger(id) || id < 0) throw new TsumugiError("unknown_token_id", { given: id, limit: vocabulary.size });
    return vocabulary.tokenOf(id);
  };

  const members = {
    encode: (text: string, options: EncodeOptions = {}) => encodeBatch([checkText(text)], options).inputIds[0] ?? [],
    async encodeAsync(text: string, options: EncodeOptions = {}): Promise<number[]> {
      refuseUnknownOptions(options, encodeOptions);
      const { ids } = await inSlices(encoder.steps(checkText(text)));
      return encodeBatch([text], options, ids).inputIds[0] ?? [];
    },
    decode(ids: number | ArrayLike<number>, options: DecodeOptions = {}): string {
      refuseUnknownOptions(options, decodeOptions);
      checkOptionTypes(options, decodeTypes);
      checkList(ids, "The ids to decode", "a token id or a list of token ids", "number");
      oneOf("unknownIds", options.unknownIds ?? "error", ["error", "skip"]);
      if (typeof ids !== "number" && typeof ids[0] === "object") {
        const expected = "one row of token ids (use `batchDecode` for several)";
        throw new TsumugiError("invalid_input", { what: "The ids to decode", expected, given: ids });
      }
      const tokens: string[] = [];
      for (const id of typeof ids === "number" ? [ids] : Array.from(ids)) {
        const token = tokenOf(id);
        if (token === undefined) {
          if (options.unknownIds === "skip") continue;
          throw new TsumugiError("unknown_token_id", { given: id, limit: vocabulary.size });
        }
        if (!options.skipSpecialTokens || !vocabulary.isSpecial(token)) tokens.push(token);
      }
      const cleanUp = (options.cleanUpTokenizationSpaces ?? settings.cleanUp) && !decoding.isBpe;
      return decodeTokens(decoding.decoder, tokens, { cleanUp });
    },
    batchDecode(rows: ArrayLike<ArrayLike<number>>, options: DecodeOptions = {}) {
      checkList(rows, "The rows to decode", "a list of rows");
      return Array.from(rows, (row) => tokenizer.decode(row, options));
    },
    tokenize(text: string, options: { addSpecialTokens?: boolean } = {}): string[] {
      refuseUnknownOptions(options, ["addSpecialTokens"]);
      checkOptionTypes(options, { addSpecialTokens: "boolean" });
      const { tokens } = encoder.encode(checkText(text));
      if (!options.addSpecialTokens) return tokens;
      return single.flatMap((part) => (typeof part === "string" ? tokens : part.map((id) => vocabulary.tokenOf(id) ?? "")));
    },
    convertTokensToIds(tokens: string | readonly string[]) {
      checkList(tokens, "The tokens", "a token or a list of tokens", "string");
      const idOf = (token: string) => vocabulary.idOf(token) ?? special.unkTokenId;
      return typeof tokens === "string" ? idOf(tokens) : tokens.map(idOf);
    },
    convertIdsToTokens(ids: number | ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}) {
      refuseUnknownOptions(options, ["skipSpecialTokens"]);
      checkOptionTypes(options, { skipSpecialTokens: "boolean" });
      checkList(ids, "The ids", "a token id or a list of token ids", "number");
      if (typeof ids === "number") return tokenOf(ids);
      const skipped = new Set(options.skipSpecialTokens ? special.allSpecialIds : []);
      return Array.from(ids)
        .filter((id) => !skipped.has(id))
        .map(tokenOf);
    },
    convertTokensToString(tokens: readonly string[]) {
      checkList(tokens, "The tokens", "a list of tokens");
      return decodeTokens(decoding.decoder, tokens);
    },
    pad(rows: { inputIds: number[][]; attentionMask?: number[][] }, options: EncodeOptions = {}): BatchEncoding {
      refuseUnknownOptions(options, padOptions);
      const layout = layoutOf({ ...options, padding: options.padding ?? true }, tokenizer);
      return padRows(rows.inputIds, rows.attentionMask, layout, special.padTokenId);
    },
    getVocab: () => vocabulary.entries(),
    vocabSize: vocabulary.baseSize,
    length: vocabulary.size,
    modelMaxLength: settings.modelMaxLength,
    paddingSide: settings.paddingSide as Side,
    truncationSide: settings.truncationSide as Side,
    chatTemplate: settings.chatTemplate,
    decoding,
    applyChatTemplate: ((messages, options) => {
      if (!applyChatTemplate) throw new TsumugiError("internal", { what: "createTokenizer was given no applyChatTemplate" });
      return applyChatTemplate(tokenizer, messages, options);
    }) as ApplyChatTemplate,
  };

  const tokenizer = call as unknown as Tokenizer;
  Object.defineProperties(tokenizer, {
    ...Object.getOwnPropertyDescriptors(special),
    ...Object.getOwnPropertyDescriptors(members),
  });
  return tokenizer;
}

function checkText(text: string): string {
  if (typeof text === "string") return text;
  throw new TsumugiError("invalid_input", {
    what: "The text to tokenize",
    expected: "a string or a list of strings",
    given: text,
  });
}

/** Refuses what is neither a list nor, where `single` names one, a value of that type. */
function checkList(given: unknown, what: string, expected: string, single?: "number" | "string"): void {
  if (single !== undefined && typeof given === single) return;
  if (typeof given === "object" && given !== null && "length" in given) return;
  throw new TsumugiError("invalid_input", { what, expected, given });
}
