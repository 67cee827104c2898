import type { AssistedReport } from "../decoding/assisted/assisted-report.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import type { FinishReason } from "../engine/request.ts";
import { checkIsOptions } from "../util/option-types.ts";
import { parseOption } from "../util/schemas.ts";
import { type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import type { Attention } from "./attentions.ts";
import "./call-options/index.ts"; // they type CallOptions; the declarations that are shipped must lead to them
import type { HiddenState } from "./hidden-states.ts";
import { loadingInCalls } from "./load-options.ts";
import { callOptionDefinitions } from "./option-definitions.ts";
import type { CallOptions } from "./options.ts";

/** Options of `model.generate`: inputs, everything of `GenerationConfig`, and what is no setting of a model. */
export interface GenerateOptions extends GenerationConfig, CallOptions {}

/** What `model.generate` gives. Rows of one prompt stand next to each other: prompt · numReturnSequences + copy. */
export interface GenerateResult {
  /** [rows][length] prompt as given (pads included), new tokens, then `padTokenId` up to the longest row. */
  sequences: number[][];
  /** [rows] why each row ended. A row that "length" ended has no pads behind it. */
  finishReasons: FinishReason[];
  /** [rows] of a search over beams: log probability of the new tokens, behind all processors, over length^lengthPenalty. */
  sequencesScores?: number[];
  /** [rows][new tokens] of a search over beams: which beam (prompt · numBeams + beam) each token went on from; −1 behind the end. */
  beamIndices?: number[][];
  /** Tokens of drafts that the model has checked, and that it picked; with `promptLookupNumTokens` or `assistantModel`. */
  assisted?: AssistedReport;
  /** [steps][rows] raw float32 logits, with `outputLogits: true`; null for rows that had ended. */
  logits?: (Float32Array | null)[][];
  /** [steps][rows] scores behind all processors, with `outputScores: true`; null for rows that had ended. */
  scores?: (Float32Array | null)[][];
  /**
   * [steps][layers + 1] with `outputHiddenStates: true`: `{ shape: [rows, tokens, hidden], data }`, as transformers' tensors.
   * Entry i is what layer i reads (0: the embeddings), the last what stands behind the last norm. The first step has the
   * whole prompt, the others one token; pads, and rows that had ended, are zeros. Rows of a search are its beams.
   */
  hiddenStates?: HiddenState[][] | undefined;
  /**
   * [steps][layers] with `outputAttentions: true`: `{ shape: [rows, heads, queries, keys], data }`, as transformers' tensors:
   * which share each token gives each token up to it. Layers that do not attend are left out.
   */
  attentions?: Attention[][] | undefined;
  /** What encoder-decoder models give in place of `hiddenStates`, in the same form. */
  decoderHiddenStates?: HiddenState[][] | undefined;
  /** [layers + 1] of the encoder, with a row for each prompt. */
  encoderHiddenStates?: HiddenState[] | undefined;
  /** What encoder-decoder models give in place of `attentions`, in the same form. */
  decoderAttentions?: Attention[][] | undefined;
  /** [steps][layers] the shares that the decoder's tokens give the encoder's. */
  crossAttentions?: Attention[][] | undefined;
  /** [layers] the shares inside the encoder, with a row for each prompt. */
  encoderAttentions?: Attention[] | undefined;
}

/** Names of everything that `generate` takes or refuses with a reason of its own. */
export const generateOptionNames: readonly string[] = [
  ...callOptionDefinitions.map(({ name }) => name),
  ...generationFieldNames,
];

const notYet = "it is planned and not built yet";
const refusals: Refusals = {
  ...loadingInCalls,
  prompt: "`generate` takes token ids, `tokenizer(text)` gives them; `stream` and `pipeline` take text",
  assistantTokenizer: "the assistant must have this model's own vocabulary",
  inputsEmbeds: notYet,
  decoderInputIds: "the decoder starts with `decoderStartTokenId` alone; longer starts are not built yet",
  decoderAttentionMask: "the decoder starts with `decoderStartTokenId` alone; longer starts are not built yet",
  encoderOutputs: notYet,
  pastKeyValues: "the engine keeps its own KV cache",
  positionIds: "positions follow from the mask",
  customGenerate: "remote code is never run",
  trustRemoteCode: "remote code is never run",
  syncedGpus: "there are no GPUs to synchronise",
  useModelDefaults: "transformers 5 has no such option any more; a call's settings always stand before the model's",
};

/** Refuses unknown options by name, and checks what is no field of GenerationConfig. */
export function checkGenerateOptions(options: GenerateOptions, extraNames: readonly string[] = []): void {
  refuseUnknown(options, [...generateOptionNames, ...extraNames], refusals);
  checkIsOptions(options.generationConfig, "`generationConfig`");
  if (options.generationConfig) refuseUnknown(options.generationConfig, generationFieldNames);
  const given = options as { readonly [option: string]: unknown };
  for (const { name, schema } of callOptionDefinitions) {
    if (given[name] !== undefined) parseOption(schema, given[name], name);
  }
}
