export type { AssistedReport } from "../decoding/assisted/assisted-report.ts";
export type { GenerationConfig } from "../decoding/generation-config.ts";
export type { StoppingCriterion } from "../decoding/stopping-criteria.ts";
export { BitsAndBytesConfig, type BitsAndBytesOptions } from "../formats/quantised/bitsandbytes-config.ts";
export { type DownloadProgress, hubCacheDirectory, type ModelDirectory, resolveModel } from "../hub/index.ts";
export type { ChatInput, ChatMessage, ChatRole, TextMessage, Tokenizer } from "../tokenizer/index.ts";
export { setWarningHandler, type WarningHandler } from "../util/warnings.ts";
export type { Attention } from "./attentions.ts";
export { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "./auto-model.ts";
export { AutoTokenizer, type TokenizerLoadOptions } from "./auto-tokenizer.ts";
export { CausalLM } from "./causal-lm.ts";
export { checkTextCall } from "./check-text-call.ts";
export type { GenerateOptions, GenerateResult } from "./generate-options.ts";
export type { HiddenState } from "./hidden-states.ts";
export type { TokenRow, TokenRows } from "./inputs.ts";
export type { FromPretrainedOptions, LoadProgress, ModelOptions } from "./load-options.ts";
export { type MemoryRow, type MemoryTable, type MemoryTableOptions, memoryTable } from "./memory-table.ts";
export { type ModelInformation, modelInformation } from "./model-information.ts";
export { pipeline } from "./pipeline.ts";
export type { Answers, PipelineAnswers, PipelineInput } from "./pipeline-answers.ts";
export type {
  ChatOutput,
  Conversation,
  TextGenerationOptions,
  TextGenerationPipelineOptions,
  TextOutput,
  TokenOutput,
} from "./pipeline-options.ts";
export type { PromptOptions } from "./prompt-options.ts";
export type { SavePretrainedOptions } from "./save-options.ts";
export { Seq2SeqLM } from "./seq2seq-lm.ts";
export type { StreamOptions } from "./stream.ts";
export type { TextGenerationPipeline } from "./text-generation-pipeline.ts";
export { TextIteratorStreamer, type TextIteratorStreamerOptions } from "./text-iterator-streamer.ts";
export type { TextModel, TextModelCapabilities, TextModelOptions, TextPrompt } from "./text-model.ts";
export type { TextModelCallOptions, TextModelPipeline, TextModelPipelineOptions } from "./text-model-pipeline.ts";
export type { StreamResult, TextResult } from "./text-result.ts";
export { createTextStream, type TextStream } from "./text-stream.ts";
export { type Streamer, TextStreamer, type TextStreamerOptions } from "./text-streamer.ts";
export type { Text2TextOptions, Text2TextPipeline, Text2TextPipelineOptions } from "./text2text-pipeline.ts";
export { computeTransitionScores } from "./transition-scores.ts";
export { type WatermarkDetection, WatermarkDetector, type WatermarkDetectorOptions } from "./watermark-detector.ts";
