import type { GenerationConfig } from "../decoding/generation-config.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import type { CallSettings } from "../decoding/resolve-settings.ts";
import { TsumugiError } from "../errors.ts";
import { RandomGenerator, sharedGenerator } from "../sampling/index.ts";
import { checkSeed } from "../sampling/seed.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLM } from "./causal-lm.ts";
import { fillRows } from "./fill-rows.ts";
import { generateRows } from "./generate.ts";
import { settingsOf } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { BatchPads } from "./ragged-rows.ts";
import { guardStreamer } from "./streamer-guard.ts";

/** What a call of a pipeline is made of. */
export interface PipelineCallOptions {
  model: CausalLM;
  tokenizer: Tokenizer;
  /** Options of the call that are options of `generate`. */
  options: GenerateOptions;
  /** What the pipeline decides where the call does not. */
  defaults: GenerationConfig;
  /** One input, not a list. */
  single: boolean;
}

/** One output row of a batch. */
export interface PipelineRow {
  /** Token ids of the prompt, with the pads that transformers would put there. */
  prompt: readonly number[];
  /** New tokens, and pads up to the longest row of the batch. */
  answer: readonly number[];
}

/** A call of a pipeline: its settings are decided once, whatever number of batches it runs. */
export class PipelineCall {
  readonly settings: GenerationSettings;
  readonly #decided: CallSettings;
  readonly #context: GenerateContext;
  readonly #tokenizer: Tokenizer;
  readonly #options: GenerateOptions;

  /** @throws what `generate` throws about settings, `invalid_option`, `disposed` */
  constructor({ model, tokenizer, options, defaults, single }: PipelineCallOptions) {
    const { seed, streamer } = options;
    const generator = seed === undefined ? undefined : new RandomGenerator(checkSeed(seed, "seed"));
    // Python's pipeline runs lists through a DataLoader, which draws a seed of its own: two words.
    if (!single) (generator ?? sharedGenerator())?.skip(2);
    this.#context = { ...model.generateContext(), generator };
    this.#tokenizer = tokenizer;
    this.#options = options;
    try {
      this.#decided = settingsOf(this.#context, { ...options, ...defaults });
    } catch (error) {
      guardStreamer(streamer)?.fail(error);
      throw error;
    }
    this.settings = this.#decided.settings;
  }

  /**
   * Answers all inputs in batches of this size, which run at once; with a streamer one after the other, as in Python.
   * The first failure, in the order of the inputs, is thrown when all have ended.
   */
  async inBatches<Input, Answer>(
    inputs: readonly Input[],
    size: number,
    answer: (batch: readonly Input[], from: number) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const batches: Promise<Answer[]>[] = [];
    for (let from = 0; from < inputs.length; from += size) {
      const batch = answer(inputs.slice(from, from + size), from);
      batches.push(batch);
      if (this.#options.streamer) await batch.catch(() => {});
    }
    const settled = await Promise.allSettled(batches);
    return settled.flatMap((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
  }

  /**
   * The answers to one batch: for each prompt its `numReturnSequences` rows. Pads stand on this side, as transformers sees it;
   * `changes`: settings of this batch that differ.
   */
  async answer(
    rows: readonly (readonly number[])[],
    { from, side, changes }: { from: number; side: BatchPads["side"]; changes?: Partial<GenerationSettings> },
  ): Promise<PipelineRow[][]> {
    const { onToken } = this.#options;
    const settings: GenerationSettings = { ...this.settings, ...changes };
    const copies = settings.numReturnSequences;
    const options: GenerateOptions = { ...this.#options, tokenizer: this.#tokenizer };
    if (onToken) options.onToken = (event) => onToken({ ...event, row: from * copies + event.row });
    const decided = { ...this.#decided, settings };
    const generated = await generateRows(this.#context, options, decided, rows, this.#pads(rows.length, side));
    const filled = fillRows(generated, settings);
    return rows.map((_, index) => {
      const first = index * copies;
      return generated.slice(first, first + copies).map(({ prompt }, copy) => {
        return { prompt: prompt.padded, answer: filled[first + copy]! };
      });
    });
  }

  #pads(count: number, side: BatchPads["side"]): BatchPads | undefined {
    if (count === 1) return undefined;
    const id = this.#tokenizer.padTokenId;
    if (id === undefined) throw new TsumugiError("missing_pad_token");
    return { id, side };
  }
}
