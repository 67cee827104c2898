import type { ChatInput } from "./chat-message.ts";

/** Which side of a row padding or truncation works on. */
export type Side = "left" | "right";

/** Start and end of what a token stands for in its text; `[0, 0]` for special tokens that were added, and for padding. */
export type Offset = [start: number, end: number];

/** What a tokenizer makes of one text: `inputIds[t]` and, beside each id, 1 for a token and 0 for padding. */
export interface Encoding {
  inputIds: number[];
  attentionMask: number[];
  /** With `returnOffsetsMapping`: beside each id the part of the text that it stands for. */
  offsetMapping?: Offset[];
}

/** What a tokenizer makes of a list of texts: one row per text (`[rows][tokens]`). */
export interface BatchEncoding {
  inputIds: number[][];
  attentionMask: number[][];
  /** With `returnOffsetsMapping`: beside each id the part of its row's text that it stands for. */
  offsetMapping?: Offset[][];
}

/** Options of `tokenizer(…)`, `encode` and `pad`. Names are transformers', in camelCase; anything else is refused. */
export interface EncodeOptions {
  /** Add what the post-processor adds (BOS, EOS, [CLS] …). Default `true`. */
  addSpecialTokens?: boolean | undefined;
  /**
   * Read special tokens that stand in the text as plain text, so that what a user writes cannot become one. Tokens that are
   * added and not special are still found. Default: `split_special_tokens` of tokenizer_config.json, else `false`.
   */
  splitSpecialTokens?: boolean | undefined;
  /** `true` or `"longest"`: to the longest row; `"max_length"`: to `maxLength`; `false`: none. Default `false`. */
  padding?: boolean | "longest" | "max_length" | "do_not_pad" | undefined;
  /** `true` or `"longest_first"`: cut rows to `maxLength`. Default: on when only `maxLength` is given, off otherwise. */
  truncation?: boolean | "longest_first" | "do_not_truncate" | undefined;
  /** In tokens, special tokens included. Default `tokenizer.modelMaxLength`. */
  maxLength?: number | undefined;
  /** Round the padded length up to a multiple of this. */
  padToMultipleOf?: number | undefined;
  /** Default `tokenizer.paddingSide`. */
  paddingSide?: Side | undefined;
  /** A second text for each text (sentence pairs). Not together with truncation. `""` for a single text is none. */
  textPair?: string | string[] | undefined;
  /**
   * Give `offsetMapping` too: `true` counts code points, as Python does; `"utf16"` counts what `text.slice` counts. The two
   * differ behind characters above U+FFFF, such as emoji. Not for `encode`, which gives ids alone. Default `false`.
   */
  returnOffsetsMapping?: boolean | "utf16" | undefined;
}

/** Options of `tokenize`, as those of the same names in `EncodeOptions`. */
export interface TokenizeOptions {
  /** Default `false`. */
  addSpecialTokens?: boolean | undefined;
  splitSpecialTokens?: boolean | undefined;
}

/** Options with which offsets come along. */
type AskForOffsets = EncodeOptions & { returnOffsetsMapping: true | "utf16" };

/** What to do with ids that no token has: throw `unknown_token_id`, or leave them out. */
export type UnknownIds = "error" | "skip";

/** Options of `convertIdsToTokens` for a list of ids. */
export interface TokenNameOptions {
  /** Leave out special tokens. Default `false`. */
  skipSpecialTokens?: boolean | undefined;
  /** As in `DecodeOptions`. Default `"error"`. */
  unknownIds?: UnknownIds | undefined;
}

/** Options of `decode` and `batchDecode`. */
export interface DecodeOptions {
  /** Leave out special tokens. Default `false`. */
  skipSpecialTokens?: boolean | undefined;
  /** Undo spaces before punctuation. Default: what tokenizer_config.json says, else `false`; ignored for BPE, as in transformers 5. */
  cleanUpTokenizationSpaces?: boolean | undefined;
  /**
   * What to do with ids that no token has (models may have more rows than their tokenizer). `"error"` throws
   * `unknown_token_id`; `"skip"` drops them, as Python does. Default `"error"`.
   */
  unknownIds?: UnknownIds | undefined;
}

/** Names of the special tokens that a tokenizer may have, as `specialTokensMap` and chat templates spell them. */
export type SpecialTokenName = "bos_token" | "eos_token" | "unk_token" | "sep_token" | "pad_token" | "cls_token" | "mask_token";

/** Chat templates of a tokenizer: none, one, or several by name. */
export type ChatTemplates = string | Record<string, string> | undefined;

/** Options of `applyChatTemplate`. Anything else is refused by name. */
export interface ChatTemplateOptions {
  /** `false` gives text, `true` token ids. Default `true`. */
  tokenize?: boolean | undefined;
  /** With `tokenize`: `{ inputIds, attentionMask }` rather than bare ids. Default `true`, as in transformers 5. */
  returnDict?: boolean | undefined;
  /** End with the opening of an assistant's turn. Default `false`. */
  addGenerationPrompt?: boolean | undefined;
  /** Leave the last message open, to be continued; a string names the field that is continued. Default `false`. */
  continueFinalMessage?: boolean | string | undefined;
  /** JSON schemas of functions that the model may call. */
  tools?: Record<string, unknown>[] | undefined;
  /** Documents for retrieval-augmented templates, usually `{ title, text }`. */
  documents?: Record<string, unknown>[] | undefined;
  /** A template's name, or a template. Default: the tokenizer's own. */
  chatTemplate?: string | undefined;
  /** Variables for the template, under the names that it uses: `{ enable_thinking: false }`. */
  chatTemplateKwargs?: Record<string, unknown> | undefined;
  padding?: EncodeOptions["padding"] | undefined;
  truncation?: EncodeOptions["truncation"] | undefined;
  maxLength?: number | undefined;
}

/** Renders conversations; implemented in `chat/`, and given to `createTokenizer` so that this room needs no other. */
export interface ApplyChatTemplate {
  (messages: readonly ChatInput[], options: ChatTemplateOptions & { tokenize: false }): string;
  (messages: readonly (readonly ChatInput[])[], options: ChatTemplateOptions & { tokenize: false }): string[];
  (messages: readonly ChatInput[], options: ChatTemplateOptions & { tokenize?: true | undefined; returnDict: false }): number[];
  (
    messages: readonly (readonly ChatInput[])[],
    options: ChatTemplateOptions & { tokenize?: true | undefined; returnDict: false },
  ): number[][];
  (
    messages: readonly ChatInput[],
    options?: ChatTemplateOptions & { tokenize?: true | undefined; returnDict?: true | undefined },
  ): Encoding;
  (
    messages: readonly (readonly ChatInput[])[],
    options?: ChatTemplateOptions & { tokenize?: true | undefined; returnDict?: true | undefined },
  ): BatchEncoding;
  (messages: Conversations, options?: ChatTemplateOptions): RenderedChat;
}

/** One conversation, or several. */
export type Conversations = readonly ChatInput[] | readonly (readonly ChatInput[])[];

/** What `applyChatTemplate` can answer: text, ids or encodings, for one conversation or several. */
export type RenderedChat = string | string[] | number[] | number[][] | Encoding | BatchEncoding;

/** The implementation behind `tokenizer.applyChatTemplate`; it lives in `chat/`, which this room must not import. */
export type ChatTemplateImplementation = (
  tokenizer: Tokenizer,
  messages: Conversations,
  options?: ChatTemplateOptions,
) => RenderedChat;

/** The files that make a tokenizer, parsed. Only tokenizer.json is needed. */
export interface TokenizerFiles {
  tokenizerJson: unknown;
  tokenizerConfig?: unknown;
  specialTokensMap?: unknown;
  /** Content of added_tokens.json: ids by token. */
  addedTokens?: unknown;
  /** Text of chat_template.jinja: it wins over `chat_template` of tokenizer_config.json. */
  chatTemplateJinja?: string;
  /** Texts of additional_chat_templates/*.jinja, by file name without its ending. */
  additionalChatTemplates?: Record<string, string>;
}

/** Special tokens that can be read and set: `tokenizer.padToken = tokenizer.eosToken`. */
export interface SpecialTokens {
  bosToken: string | undefined;
  eosToken: string | undefined;
  unkToken: string | undefined;
  sepToken: string | undefined;
  padToken: string | undefined;
  clsToken: string | undefined;
  maskToken: string | undefined;
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  readonly unkTokenId: number | undefined;
  readonly sepTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  readonly clsTokenId: number | undefined;
  readonly maskTokenId: number | undefined;
}

/**
 * Text to token ids and back, as transformers' fast tokenizers do it. Call it like a function.
 *
 * @example
 * ```ts
 * const tokenizer = await AutoTokenizer.fromPretrained("tsumugi-mini");
 * const { inputIds } = tokenizer("Hello");                               // one row
 * const batch = tokenizer(["1, 2, 3", "A, B"], { padding: true });       // rows of one length
 * tokenizer.decode(inputIds, { skipSpecialTokens: true });               // "Hello"
 * ```
 *
 * Errors: `unknown_option`, `invalid_option`, `unsupported_option`, `missing_pad_token`, `unknown_token_id`.
 * Source: transformers 5 `PreTrainedTokenizerBase`, tokenizers 0.23.
 */
export interface Tokenizer extends SpecialTokens {
  (text: string, options: AskForOffsets): Encoding & { offsetMapping: Offset[] };
  (texts: readonly string[], options: AskForOffsets): BatchEncoding & { offsetMapping: Offset[][] };
  (text: string, options?: EncodeOptions): Encoding;
  (texts: readonly string[], options?: EncodeOptions): BatchEncoding;
  (text: string | readonly string[], options?: EncodeOptions): Encoding | BatchEncoding;
  /** The ids alone of one text. */
  encode(text: string, options?: Omit<EncodeOptions, "returnOffsetsMapping">): number[];
  /**
   * What `encode` gives, without holding up the event loop: other work gets its turn every few milliseconds. For long texts
   * on servers; it takes a little longer in all.
   */
  encodeAsync(text: string, options?: EncodeOptions & { returnOffsetsMapping?: false | undefined }): Promise<number[]>;
  /** Gives with offsets what `tokenizer(text, options)` gives. */
  encodeAsync(text: string, options: AskForOffsets): Promise<Encoding & { offsetMapping: Offset[] }>;
  /** Text of ids. `decode([])` is `""`. */
  decode(ids: number | ArrayLike<number>, options?: DecodeOptions): string;
  /** Text of each row. One bare row gives a list of one text, and `[]` gives `[""]`, as in transformers 5. */
  batchDecode(rows: ArrayLike<ArrayLike<number>> | ArrayLike<number>, options?: DecodeOptions): string[];
  /**
   * Token strings of a text, by default without special tokens. An added token is the text that it took, with white space
   * that it takes along; what a Unigram model has no piece for is that text.
   */
  tokenize(text: string, options?: TokenizeOptions): string[];
  /**
   * Ids of token strings. A token that is not in the vocabulary gives the unknown token's id; without an unknown token it is
   * refused (`invalid_input`), where Python gives None. `getVocab().has(token)` asks.
   */
  convertTokensToIds(token: string): number;
  convertTokensToIds(tokens: readonly string[]): number[];
  /** Token strings of ids. An id that no token has is refused (`unknown_token_id`), where Python gives None. */
  convertIdsToTokens(id: number): string;
  convertIdsToTokens(ids: ArrayLike<number>, options?: TokenNameOptions): string[];
  /** Text of token strings, through the decoder alone. */
  convertTokensToString(tokens: readonly string[]): string;
  /** Pads rows of ids; rows of one length come back as they are. */
  pad(
    rows: { inputIds: readonly (readonly number[])[]; attentionMask?: readonly (readonly number[])[] | undefined },
    options?: Pick<EncodeOptions, "padding" | "maxLength" | "padToMultipleOf" | "paddingSide">,
  ): BatchEncoding;
  /** Tokens of the model alone, added tokens not counted. */
  readonly vocabSize: number;
  /** Tokens with added tokens: the smallest size that a model's embedding can have. */
  readonly length: number;
  /** Longest input of the model in tokens, or `Infinity` where the files name none. */
  modelMaxLength: number;
  paddingSide: Side;
  truncationSide: Side;
  /** Special tokens that are not named ones. */
  readonly extraSpecialTokens: readonly string[];
  readonly allSpecialTokens: readonly string[];
  readonly allSpecialIds: readonly number[];
  /** Named special tokens, under the names chat templates use: `{ bos_token: "<s>", … }`, also those of this model alone. */
  readonly specialTokensMap: Readonly<Partial<Record<SpecialTokenName, string>> & Record<string, string | undefined>>;
  /** The chat templates of the files. Settable. */
  chatTemplate: ChatTemplates;
  /** Conversation to text or token ids. */
  applyChatTemplate: ApplyChatTemplate;
  /** Every token with its id: base vocabulary and added tokens. Built at each call. */
  getVocab(): Map<string, number>;
  /** The decoder's steps and what tokens are special, for incremental decoding. */
  readonly decoding: Decoding;
}

/** What incremental decoding needs to know of a tokenizer. */
export interface Decoding {
  /** `decoder` of tokenizer.json, or null. */
  readonly decoder: unknown;
  tokenOf(id: number): string | undefined;
  isSpecial(token: string): boolean;
  /** Whether decoded text is cleaned up by default (never for BPE). */
  readonly cleanUp: boolean;
  /** Whether the model is BPE, whose text is never cleaned up. */
  readonly isBpe: boolean;
}
