import type { AssistedReport } from "../decoding/assisted/assisted-report.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import { readStoppingCriteria, type StoppingCriterion } from "../decoding/stopping-criteria.ts";
import type { FinishReason } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import { checkSeed } from "../sampling/seed.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkIsOptions, checkOptionTypes } from "../util/option-types.ts";
import { type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import type { AssistantModel } from "./assistant-model.ts";
import type { Attention } from "./attentions.ts";
import type { HiddenState } from "./hidden-states.ts";
import type { TokenRows } from "./inputs.ts";
import type { Streamer } from "./text-streamer.ts";

/** Options of `model.generate`: inputs, everything of `GenerationConfig`, and what is no setting of a model. */
export interface GenerateOptions extends GenerationConfig {
  /** Token ids, one row or many of one length. Default: `bosTokenId`. */
  inputIds?: TokenRows;
  /** 1 for tokens, 0 for pads; the shape of `inputIds`. Default: ids equal to `padTokenId` are pads. */
  attentionMask?: TokenRows | null;
  /** Settings that hold where the call does not name them; they win over the model's own. */
  generationConfig?: GenerationConfig;
  /** Needed by `stopStrings`; the model's own by default. */
  tokenizer?: Tokenizer;
  /** With `guidanceScale`: what to lead away from, a row for each output row or prompt, or one for all. Default: the prompt's last token. */
  negativePromptIds?: TokenRows | null;
  /** 1 for tokens, 0 for pads; the shape of `negativePromptIds`. Default: no pads. */
  negativePromptAttentionMask?: TokenRows | null;
  /**
   * A smaller model with the same vocabulary that guesses tokens, which one step of this one then checks: the answer is the
   * same, and comes sooner where the guesses are good. It may be shared by calls that run at once.
   */
  assistantModel?: AssistantModel | null;
  /** Functions of your own that end rows: (inputIds, row) => true where the row ends. */
  stoppingCriteria?: readonly StoppingCriterion[] | null;
  /** This call's own random numbers, as if `setSeed(seed)` stood right before it. 0 ≤ seed < 2³². Default: `setSeed`'s. */
  seed?: number;
  /** Aborting rejects with `aborted`; `error.details.sequences` holds what had been generated. */
  signal?: AbortSignal;
  /** Gets the prompt's ids, then each token, then `end()`. One row only. */
  streamer?: Streamer;
  /** Called for each new token of each row, as soon as it is there. */
  onToken?: (event: { row: number; token: number; finishReason?: FinishReason }) => void;
}

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
  /** With `promptLookupNumTokens` or `assistantModel`: tokens of drafts that the model has checked, and those that it picked. */
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
  /** Of encoder-decoder models, in place of `hiddenStates`: as those, and [layers + 1] of the encoder with a row for each prompt. */
  decoderHiddenStates?: HiddenState[][] | undefined;
  encoderHiddenStates?: HiddenState[] | undefined;
  /** Of encoder-decoder models, in place of `attentions`: as those; to the encoder's tokens; and [layers] inside the encoder. */
  decoderAttentions?: Attention[][] | undefined;
  crossAttentions?: Attention[][] | undefined;
  encoderAttentions?: Attention[] | undefined;
}

const inputNames = [
  "inputIds",
  "attentionMask",
  "generationConfig",
  "tokenizer",
  "assistantModel",
  "stoppingCriteria",
  "negativePromptIds",
  "negativePromptAttentionMask",
  "seed",
  "signal",
  "streamer",
  "onToken",
];

/** Names of everything that `generate` takes or refuses with a reason of its own. */
export const generateOptionNames: readonly string[] = [...inputNames, ...generationFieldNames];

const notYet = "it is planned and not built yet";
const refusals: Refusals = {
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
  readStoppingCriteria(options.stoppingCriteria);
  if (options.seed !== undefined) checkSeed(options.seed, "seed");
  checkOptionTypes(options, { signal: "signal", onToken: "function" });
  const { streamer, tokenizer, assistantModel } = options;
  if (assistantModel && typeof (assistantModel as Partial<AssistantModel>).generateContext !== "function") {
    const expected = "a model of `AutoModelForCausalLM` or `AutoModelForSeq2SeqLM`";
    throw new TsumugiError("invalid_option", { option: "assistantModel", expected, given: assistantModel });
  }
  if (streamer !== undefined && typeof (streamer as Partial<Streamer> | null)?.put !== "function") {
    throw new TsumugiError("invalid_option", {
      option: "streamer",
      expected: "an object with put() and end()",
      given: streamer,
    });
  }
  if (tokenizer !== undefined && typeof (tokenizer as Partial<Tokenizer> | null)?.decode !== "function") {
    throw new TsumugiError("invalid_option", { option: "tokenizer", expected: "a tokenizer", given: tokenizer });
  }
}
