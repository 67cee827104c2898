import "./util/platform-types.ts"; // the declarations that are shipped must lead to them

export type { MemoryPlan, MemoryUse } from "./backends/backend.ts";
export {
  type FewShotExample,
  type FewShotPromptOptions,
  type FieldValues,
  fewShotMessages,
  fewShotPrompt,
  type InstructionTemplate,
  instructionTemplate,
  type Persona,
  personaPrompt,
  withPersona,
} from "./chat/index.ts";
export type { EngineStatistics, FinishReason } from "./engine/request.ts";
export { describeError, type ErrorCode, type ErrorDetails, errorCodes, TsumugiError } from "./errors.ts";
export * from "./generate/index.ts";
export { supportedModelTypes, supportedMultimodalTypes } from "./models/index.ts";
export {
  type Dry,
  type LogitBias,
  type LogitsProcessor,
  type LogitsProcessorFunction,
  type Mirostat,
  type PrefixAllowedTokensFn,
  type SequenceBias,
  setSeed,
  type WatermarkingConfig,
  type Xtc,
} from "./sampling/index.ts";
export type { DType, FloatDType } from "./tensor/dtype.ts";
export {
  type BatchEncoding,
  type ChatTemplateOptions,
  type DecodeOptions,
  type EncodeOptions,
  type Encoding,
  IncrementalDecoder,
  type IncrementalDecoderOptions,
  type Offset,
  type TokenizeOptions,
  type TokenNameOptions,
} from "./tokenizer/index.ts";
