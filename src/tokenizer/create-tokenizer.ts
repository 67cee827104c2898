import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { decodeTokens } from "./decode-stream.ts";
import { createRowEncoder, encodeOptions, padOptions } from "./encode-rows.ts";
import { createModel } from "./model.ts";
import { createNormalizer } from "./normalizers.ts";
import { layoutOf, refuseUnknownOptions } from "./options.ts";
import { padRows } from "./padding.ts";
import { bosEosProcessor, createPostProcessor } from "./post-processor.ts";
import { preTokenizerSteps } from "./pre-tokenizers.ts";
import { finished, inSlices } from "./slices.ts";
import { createSpecialTokens } from "./special-tokens.ts";
import { createTextEncoder } from "./text-encoder.ts";
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

const callOptions = [...encodeOptions, "returnOffsetsMapping"];
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
  const preTokenizer = preTokenizerSteps(isRecord(json) ? json.pre_tokenizer : undefined);
  const last = preTokenizer.at(-1);
  const model = createModel(json, last?.kind === "rewrite" && last.bytes === true);
  const vocabulary = createVocabulary(json, model, settings);
  const normalizer = createNormalizer(json.normalizer) ?? model.normalizer;
  const encoder = createTextEncoder({ normalizer, preTokenizer, model, ...vocabulary });
  const special = createSpecialTokens(settings, vocabulary);
  const replaced = addBosToken !== undefined || addEosToken !== undefined;
  const postProcessor =
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

  function call(text: string | readonly string[], options: EncodeOptions = {}): Encoding | BatchEncoding {
    if (typeof text === "string") return firstRow(finished(rowEncoder([text], options, callOptions)));
    if (!Array.isArray(text)) checkText(text);
    return finished(rowEncoder(text.map(checkText), options, callOptions));
  }

  const tokenOf = (id: number): string | undefined => {
    if (!Number.isSafeInteger(id) || id < 0) throw new TsumugiError("unknown_token_id", { given: id, limit: vocabulary.size });
    return vocabulary.tokenOf(id);
  };

  const sides = { paddingSide: settings.paddingSide, truncationSide: settings.truncationSide };
  const members = {
    encode: (text: string, options: EncodeOptions = {}) =>
      finished(rowEncoder([checkText(text)], options, encodeOptions)).inputIds[0] ?? [],
    async encodeAsync(text: string, options: EncodeOptions = {}): Promise<number[] | Encoding> {
      const encoding = firstRow(await inSlices(rowEncoder([checkText(text)], options, callOptions)));
      return options.returnOffsetsMapping ? encoding : encoding.inputIds;
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
      const row = typeof ids === "number" ? [ids] : ids;
      for (let i = 0; i < row.length; i++) {
        const id = row[i] as number;
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
      const tokens = encoder.names(checkText(text));
      if (!options.addSpecialTokens) return tokens;
      return postProcessor.single.flatMap((part) =>
        typeof part === "string" ? tokens : part.map((id) => vocabulary.tokenOf(id) ?? ""),
      );
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
      const { inputIds, attentionMask } = checkRows(rows);
      const given = inputIds.map((ids, i) => ({ ids, ...(attentionMask?.[i] && { mask: attentionMask[i] }) }));
      return padRows(given, layout, special.padTokenId);
    },
    getVocab: () => vocabulary.entries(),
    vocabSize: vocabulary.baseSize,
    length: vocabulary.size,
    modelMaxLength: settings.modelMaxLength,
    get paddingSide(): Side {
      return sides.paddingSide;
    },
    set paddingSide(side: Side) {
      oneOf("paddingSide", side, ["left", "right"]);
      sides.paddingSide = side;
    },
    get truncationSide(): Side {
      return sides.truncationSide;
    },
    set truncationSide(side: Side) {
      oneOf("truncationSide", side, ["left", "right"]);
      sides.truncationSide = side;
    },
    chatTemplate: settings.chatTemplate,
    decoding,
    applyChatTemplate: ((messages, options) => {
      if (!applyChatTemplate) throw new TsumugiError("internal", { what: "createTokenizer was given no applyChatTemplate" });
      return applyChatTemplate(tokenizer, messages, options);
    }) as ApplyChatTemplate,
  };

  const tokenizer = call as unknown as Tokenizer;
  const rowEncoder = createRowEncoder({ tokenizer, encoder, postProcessor, tokenOf: vocabulary.tokenOf });
  Object.defineProperties(tokenizer, {
    ...Object.getOwnPropertyDescriptors(special),
    ...Object.getOwnPropertyDescriptors(members),
  });
  return tokenizer;
}

function firstRow({ inputIds, attentionMask, offsetMapping }: BatchEncoding): Encoding {
  const [ids = [], mask = []] = [inputIds[0], attentionMask[0]];
  return { inputIds: ids, attentionMask: mask, ...(offsetMapping && { offsetMapping: offsetMapping[0] ?? [] }) };
}

function checkText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new TsumugiError("invalid_input", {
    what: "The text to tokenize",
    expected: "a string or a list of strings",
    given: text,
  });
}

/** Refuses what `pad` cannot read: it takes `{ inputIds, attentionMask? }`, both lists of rows of one shape. */
function checkRows(rows: unknown): { inputIds: number[][]; attentionMask?: number[][] } {
  const isRows = (value: unknown) =>
    Array.isArray(value) && value.every((row) => Array.isArray(row) || ArrayBuffer.isView(row));
  if (!isRecord(rows)) {
    throw new TsumugiError("invalid_input", {
      what: "The rows to pad",
      expected: "an object `{ inputIds, attentionMask? }`",
      given: rows,
    });
  }
  const { inputIds, attentionMask } = rows as { inputIds: number[][]; attentionMask?: number[][] };
  const expected = "a list of rows of token ids";
  if (!isRows(inputIds)) throw new TsumugiError("invalid_input", { what: "`inputIds` to pad", expected, given: inputIds });
  if (attentionMask === undefined) return { inputIds };
  const fits =
    isRows(attentionMask) &&
    attentionMask.length === inputIds.length &&
    attentionMask.every((row, index) => row.length === inputIds[index]?.length);
  if (fits) return { inputIds, attentionMask };
  const shape = "a list of rows of the lengths of `inputIds`";
  throw new TsumugiError("invalid_input", { what: "`attentionMask` to pad", expected: shape, given: attentionMask });
}

/** Refuses what is neither a list nor, where `single` names one, a value of that type. */
function checkList(given: unknown, what: string, expected: string, single?: "number" | "string"): void {
  if (single !== undefined && typeof given === single) return;
  if (typeof given === "object" && given !== null && "length" in given) return;
  throw new TsumugiError("invalid_input", { what, expected, given });
}
