export type { ChatInput, ChatMessage, ChatRole, TextMessage } from "./chat-message.ts";
export { type CheckpointFiles, type ConvertedTokenizer, convertCheckpoint } from "./convert-checkpoint.ts";
export { type CreateTokenizerOptions, createTokenizer, createTokenizerAsync } from "./create-tokenizer.ts";
export { type ConvertedGguf, convertGguf } from "./gguf/convert-gguf.ts";
export { ggufTokenizerMetadata } from "./gguf/write-gguf.ts";
export { IncrementalDecoder, type IncrementalDecoderOptions } from "./incremental-decoder.ts";
export type * from "./tokenizer.ts";
