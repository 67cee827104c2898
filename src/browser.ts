/** The public names for browsers, and for other places without Node's modules. */
import "./util/platform-types.ts"; // the declarations that are shipped must lead to them

export { describeError, type ErrorCode, type ErrorDetails, errorCodes, TsumugiError } from "./errors.ts";
export { CausalLM } from "./generate/causal-lm.ts";
export { checkTextCall } from "./generate/check-text-call.ts";
export type { GenerateOptions, GenerateResult } from "./generate/generate-options.ts";
export { loadFromFiles } from "./generate/load-from-files.ts";
export type { LoadProgress, ModelOptions } from "./generate/load-options.ts";
export { Seq2SeqLM } from "./generate/seq2seq-lm.ts";
export type { StreamOptions } from "./generate/stream.ts";
export type { TextModel, TextModelCapabilities, TextModelOptions, TextPrompt } from "./generate/text-model.ts";
export type { StreamResult, TextResult } from "./generate/text-result.ts";
export { createTextStream, type TextStream } from "./generate/text-stream.ts";
export { type FetchFilesOptions, fetchFiles } from "./hub/fetch-files.ts";
export { filesInMemory } from "./hub/memory-files.ts";
export type { ModelFiles } from "./hub/model-files.ts";
export { setSeed } from "./sampling/index.ts";
export type { Tokenizer } from "./tokenizer/index.ts";
export { setWarningHandler, type WarningHandler } from "./util/warnings.ts";
