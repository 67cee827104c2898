import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { checkRows, checkText } from "./check-input.ts";
import { checkTokenizerJson } from "./check-tokenizer-json.ts";
import { createTokenModel } from "./create-token-model.ts";
import { decodeMembers } from "./decode-members.ts";
import { createDecodeStream } from "./decode-stream.ts";
import { createRowEncoder, encodeOptions, padOptions } from "./encode-rows.ts";
import { createEncodingPipeline } from "./encoding-pipeline.ts";
import { createNormalizer } from "./normalizers.ts";
import { layoutOf, refuseUnknownOptions } from "./options.ts";
import { padRows } from "./padding.ts";
import { bosEosProcessor, createPostProcessor } from "./post-processor.ts";
import { preTokenizerSteps } from "./pre-tokenizers.ts";
import { finished, inSlices, loadingSlice } from "./slices.ts";
import { createSpecialTokens } from "./special-tokens.ts";
import { TextGrowth } from "./text-growth.ts";
import { tokenNames } from "./token-names.ts";
import type {
  ApplyChatTemplate,
  BatchEncoding,
  ChatTemplateImplementation,
  Decoding,
  EncodeOptions,
  Encoding,
  Side,
  TokenizeOptions,
  Tokenizer,
  TokenizerFiles,
} from "./tokenizer.ts";
import { readSettings, type TokenizerSettings } from "./tokenizer-config.ts";
import { createVocabulary } from "./vocabulary.ts";

const callOptions = [...encodeOptions, "returnOffsetsMapping"];

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
export function createTokenizer(files: TokenizerFiles, createOptions: CreateTokenizerOptions = {}): Tokenizer {
  return finished(tokenizerSteps(files, createOptions));
}

/** The same with turns of the event loop in between: large vocabularies take long. */
export function createTokenizerAsync(files: TokenizerFiles, createOptions: CreateTokenizerOptions = {}): Promise<Tokenizer> {
  return inSlices(tokenizerSteps(files, createOptions), loadingSlice);
}

function* tokenizerSteps(files: TokenizerFiles, createOptions: CreateTokenizerOptions): Generator<void, Tokenizer> {
  const { settings, vocabulary, encoder, special, postProcessor, decoding } = yield* partsOf(files, createOptions);
  const { splitSpecialTokens } = settings;

  function call(text: string | readonly string[], options: EncodeOptions = {}): Encoding | BatchEncoding {
    if (typeof text === "string") return firstRow(finished(rowEncoder([text], options, callOptions)));
    if (!Array.isArray(text)) checkText(text);
    return finished(rowEncoder(text.map(checkText), options, callOptions));
  }

  const members = {
    ...tokenNames(vocabulary, special),
    ...decodeMembers(decoding, vocabulary, settings),
    encode: (text: string, options: EncodeOptions = {}) =>
      finished(rowEncoder([checkText(text)], options, encodeOptions)).inputIds[0] ?? [],
    async encodeAsync(text: string, options: EncodeOptions = {}): Promise<number[] | Encoding> {
      const encoding = firstRow(await inSlices(rowEncoder([checkText(text)], options, callOptions)));
      return options.returnOffsetsMapping ? encoding : encoding.inputIds;
    },
    tokenize(text: string, options: TokenizeOptions = {}): string[] {
      refuseUnknownOptions(options, ["addSpecialTokens", "splitSpecialTokens"]);
      checkOptionTypes(options, { addSpecialTokens: "boolean", splitSpecialTokens: "boolean" });
      const tokens = encoder.names(checkText(text), options.splitSpecialTokens ?? splitSpecialTokens);
      const layout = postProcessor.layout(false, options.addSpecialTokens === true);
      return layout.flatMap((part) => ("text" in part ? tokens : part.tokens));
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
    chatTemplate: settings.chatTemplate,
    decoding,
    applyChatTemplate: ((messages, options) => {
      const { applyChatTemplate } = createOptions;
      if (!applyChatTemplate) throw new TsumugiError("internal", { what: "createTokenizer was given no applyChatTemplate" });
      return applyChatTemplate(tokenizer, messages, options);
    }) as ApplyChatTemplate,
  };

  const tokenizer = call as unknown as Tokenizer;
  const rowEncoder = createRowEncoder({ tokenizer, encoder, postProcessor, splitSpecialTokens });
  Object.defineProperties(tokenizer, {
    ...Object.getOwnPropertyDescriptors(special),
    ...Object.getOwnPropertyDescriptors(sideMembers(settings)),
    ...Object.getOwnPropertyDescriptors(members),
  });
  return tokenizer;
}

/** What the files say, each part made. */
function* partsOf(files: TokenizerFiles, { addBosToken, addEosToken }: CreateTokenizerOptions) {
  checkTokenizerJson(files.tokenizerJson);
  const settings = readSettings(files);
  const json = files.tokenizerJson as Record<string, unknown>;
  const preTokenizer = preTokenizerSteps(isRecord(json) ? json.pre_tokenizer : undefined);
  const last = preTokenizer.at(-1);
  const model = yield* createTokenModel(json, last?.kind === "rewrite" && last.bytes === true);
  const normalizer = createNormalizer(json.normalizer) ?? model.normalizer;
  const normalize = (text: string) =>
    normalizer ? normalizer.normalize(text, new TextGrowth("normalizer", text.length)) : text;
  const vocabulary = createVocabulary(json, model, normalize, settings.special.added);
  const encoder = createEncodingPipeline({ normalizer, preTokenizer, model, added: vocabulary.added });
  const special = createSpecialTokens(settings.special, vocabulary);
  const named = (name: "bos_token" | "eos_token") => {
    const token = settings.special.named.get(name);
    const id = token === undefined ? undefined : vocabulary.idOf(token);
    return token === undefined || id === undefined ? undefined : { token, id };
  };
  const replaced = addBosToken !== undefined || addEosToken !== undefined;
  const postProcessor =
    replaced || !json.post_processor
      ? bosEosProcessor(addBosToken ? named("bos_token") : undefined, addEosToken ? named("eos_token") : undefined)
      : createPostProcessor(json.post_processor);
  createDecodeStream(json.decoder ?? null); // is refused now, not when the first text is decoded
  const decoding: Decoding = {
    decoder: json.decoder ?? null,
    tokenOf: vocabulary.tokenOf,
    isSpecial: vocabulary.isSpecial,
    cleanUp: settings.cleanUp && model.type !== "BPE",
    isBpe: model.type === "BPE",
  };
  return { settings, vocabulary, encoder, special, postProcessor, decoding };
}

/** The sides that users may set. */
function sideMembers(settings: TokenizerSettings): Pick<Tokenizer, "paddingSide" | "truncationSide"> {
  const sides = { paddingSide: settings.paddingSide, truncationSide: settings.truncationSide };
  const side = (name: "paddingSide" | "truncationSide") => ({
    enumerable: true,
    configurable: true,
    get: () => sides[name],
    set(value: Side) {
      oneOf(name, value, ["left", "right"]);
      sides[name] = value;
    },
  });
  return Object.defineProperties({} as Pick<Tokenizer, "paddingSide" | "truncationSide">, {
    paddingSide: side("paddingSide"),
    truncationSide: side("truncationSide"),
  });
}

function firstRow({ inputIds, attentionMask, offsetMapping }: BatchEncoding): Encoding {
  const [ids = [], mask = []] = [inputIds[0], attentionMask[0]];
  return { inputIds: ids, attentionMask: mask, ...(offsetMapping && { offsetMapping: offsetMapping[0] ?? [] }) };
}
