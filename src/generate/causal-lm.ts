import type { MemoryUse, Session } from "../backends/backend.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import type { EngineInterface, EngineStatistics } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { elementCount, type FloatDType } from "../tensor/dtype.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { refuseUnknown } from "../util/unknown-options.ts";
import type { AssistantModel } from "./assistant-model.ts";
import { refuseMoreArguments } from "./check-arguments.ts";
import { checkTextCall, isTextPrompt, textModelOptionNames } from "./check-text-call.ts";
import { generate } from "./generate.ts";
import type { GenerateContext } from "./generate-context.ts";
import { checkGenerateOptions, type GenerateOptions, type GenerateResult } from "./generate-options.ts";
import type { SavePretrainedOptions } from "./save-options.ts";
import { generateText, type StreamOptions, startStream, startTextStream } from "./stream.ts";
import type { TextModel, TextModelCapabilities, TextModelOptions, TextPrompt } from "./text-model.ts";
import type { StreamResult } from "./text-result.ts";
import type { TextStream } from "./text-stream.ts";
import { computeTransitionScores } from "./transition-scores.ts";

/** The parts of a loaded model; `AutoModelForCausalLM` puts them together. */
export interface CausalLMParts {
  id: string;
  config: Readonly<Record<string, unknown>>;
  generationConfig: GenerationConfig;
  settingsFile: string;
  model: Model;
  engine: EngineInterface;
  session: Session;
  device: string;
  dtype: FloatDType;
  maxBatchSize: number;
  loadTokenizer(): Promise<Tokenizer>;
  /** Writes the model; absent where its files are not in a file system. */
  save?(directory: string, generationConfig: GenerationConfig, options: SavePretrainedOptions): Promise<void>;
}

/**
 * A causal language model on a device, with its own engine. Calls of `generate` and `stream` run side by side, up to
 * `maxBatchSize` sequences in each step. Made by `AutoModelForCausalLM.fromPretrained`.
 *
 * @example
 * ```ts
 * const model: CausalLM = await AutoModelForCausalLM.fromPretrained("tsumugi-mini");
 * const tokenizer = await model.loadTokenizer();
 * const { sequences } = await model.generate({ ...tokenizer("Once upon a time"), maxNewTokens: 20 });
 * console.log(tokenizer.decode(sequences[0]!));
 * await model.dispose();
 * ```
 */
export class CausalLM implements AssistantModel, TextModel {
  /** Hub id or folder, as given. */
  readonly id: string;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Settings of generation_config.json; they hold where a call does not say otherwise. May be changed. */
  generationConfig: GenerationConfig;
  /** The backend it runs on: "cpu" or "reference". */
  readonly device: string;
  /** Type the weights are held in. */
  readonly dtype: FloatDType;
  /** Sequences that run at once; more wait for their turn. */
  readonly maxBatchSize: number;
  readonly #parts: CausalLMParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: CausalLMParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.config = parts.config;
    this.generationConfig = parts.generationConfig;
    this.device = parts.device;
    this.dtype = parts.dtype;
    this.maxBatchSize = parts.maxBatchSize;
  }

  /**
   * Goes on from token ids, as transformers' `generate`: greedy or sampling, one row or many.
   *
   * `sequences` holds prompt and new tokens, rows padded to one length. Rows are independent: each gets the answer it gets
   * alone, however many run at once; only seeded sampling depends on its place in the batch, as in Python.
   *
   * With a text or a conversation in front, `generate("Once upon a time", { maxNewTokens: 20 })`, it gives one answer as
   * text: `{ text, tokenIds, finishReason, usage, timings }`.
   *
   * @throws `unknown_option`, `unsupported_option`, `invalid_option`, `invalid_input`, `input_too_long`,
   * `request_too_large`, `conflicting_options`, `aborted`, `disposed`; with text also `tokenizer_not_found`,
   * `missing_chat_template`
   *
   * @example
   * ```ts
   * const inputs = tokenizer(["1, 2, 3", "A, B, C, D, E"], { padding: true });
   * const { sequences } = await model.generate({ ...inputs, maxNewTokens: 20 });
   * console.log(tokenizer.batchDecode(sequences, { skipSpecialTokens: true }));
   * const { text } = await model.generate([{ role: "user", content: "Hi" }], { maxNewTokens: 20 });
   * ```
   * Source: transformers 5.18, `GenerationMixin.generate`.
   */
  generate(options?: GenerateOptions): Promise<GenerateResult>;
  generate(prompt: TextPrompt, options?: TextModelOptions): Promise<StreamResult>;
  async generate(
    given?: GenerateOptions | TextPrompt,
    ...more: (TextModelOptions | undefined)[]
  ): Promise<GenerateResult | StreamResult> {
    if (isTextPrompt(given)) {
      const [options = {}, ...others] = more;
      refuseMoreArguments("`generate`", others, "a prompt and options");
      checkTextCall(this, given, options);
      return generateText(this.generateContext(), given, options);
    }
    refuseMore("generate", given, more);
    const options = given === undefined ? {} : (given as GenerateOptions);
    checkGenerateOptions(options);
    return generate(this.generateContext(), options);
  }

  /**
   * Text of one answer, piece by piece; the pieces concatenate to the answer, without special tokens.
   *
   * It starts with the first `next()`, or when `result` is asked for. Leaving the loop, or aborting `signal`, ends the
   * request and frees its memory; the stream then ends without an error, and its result says "abort". The prompt stands in
   * front, a text or a conversation, or among the options, as `prompt`, `messages` or `inputIds`. The text of a search
   * (`numBeams`) comes when it has ended.
   *
   * @throws as `generate`, and `tokenizer_not_found`
   *
   * @example
   * ```ts
   * const stream = model.stream("Once upon a time", { maxNewTokens: 50 });
   * for await (const piece of stream) process.stdout.write(piece);
   * const { finishReason, usage } = await stream.result;
   * ```
   */
  stream(options: StreamOptions): TextStream;
  stream(prompt: TextPrompt, options?: TextModelOptions): TextStream;
  stream(given?: StreamOptions | TextPrompt, ...more: (TextModelOptions | undefined)[]): TextStream {
    if (!isTextPrompt(given)) {
      refuseMore("stream", given, more);
      return startStream(this.generateContext(), this, given === undefined ? {} : (given as StreamOptions));
    }
    const [options = {}, ...others] = more;
    refuseMoreArguments("`stream`", others, "a prompt and options");
    checkTextCall(this, given, options);
    return startTextStream(this.generateContext(), given, options);
  }

  /** What `generate` and `stream` take beside token ids: text, conversations (not to encoder-decoder models), all options. */
  get capabilities(): TextModelCapabilities {
    return { text: true, chat: !this.#parts.model.programs.encode, tokenIds: true, options: textModelOptionNames };
  }

  /**
   * Scores of the tokens that were generated: see the function `computeTransitionScores`.
   *
   * @example
   * ```ts
   * const { sequences, scores } = await model.generate({ ...inputs, maxNewTokens: 8, outputScores: true });
   * console.log(model.computeTransitionScores(sequences, scores!, undefined, true)[0]);
   * ```
   */
  computeTransitionScores(...given: Parameters<typeof computeTransitionScores>): Float32Array[] {
    return computeTransitionScores(...given);
  }

  /** The tokenizer among the model's files; loaded once. */
  loadTokenizer(): Promise<Tokenizer> {
    return this.#parts.loadTokenizer();
  }

  /** Parameters, tied ones counted once. */
  numParameters(): number {
    return this.#parts.model.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  /** Context in tokens: what the model was made for, prompt and answer together. */
  get maxPositions(): number {
    return this.#parts.model.maxPositions;
  }

  /**
   * Bytes that the model takes now, by what takes them; `peak`, the most it has taken at once; and `planned`, what it may take
   * at most. The cache grows with the sequences up to its limit, and is given back while the model rests.
   *
   * @example
   * ```ts
   * const { weights, cache, total, peak, planned } = model.memory();
   * console.log(weights, cache, total, peak, planned.cache);
   * ```
   */
  memory(): MemoryUse {
    return this.#parts.session.memory();
  }

  /**
   * Writes the model as safetensors with its config, generation config and tokenizer, in the type it is held in (the bytes of
   * its files, where that is theirs). The folder appears whole, when all is written; one that holds files is refused.
   *
   * @throws `model_not_saved` for quantised models and adapters, `output_exists`, `output_unwritable`
   *
   * @example
   * ```ts
   * const model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { dtype: "bfloat16" });
   * await model.savePretrained("./my-model");
   * ```
   * Source: transformers 5.18, `PreTrainedModel.save_pretrained`.
   */
  async savePretrained(directory: string, options: SavePretrainedOptions = {}): Promise<void> {
    if (this.#disposal) throw new TsumugiError("disposed", { what: "The model" });
    refuseUnknown(options, ["maxShardBytes", "onProgress", "signal"]);
    if (typeof directory !== "string" || directory === "") {
      throw new TsumugiError("invalid_input", { what: "The folder to save in", expected: "a path", given: directory });
    }
    if (options.maxShardBytes !== undefined) parseOption(whole(1), options.maxShardBytes, "maxShardBytes");
    if (!this.#parts.save) throw new TsumugiError("model_not_saved", { reason: "its files are not in a file system" });
    await this.#parts.save(directory, this.generationConfig, options);
  }

  /** Sequences running and waiting, KV blocks used and free. */
  statistics(): EngineStatistics {
    return this.#parts.engine.statistics();
  }

  /** Aborts what runs and frees all memory. Later calls throw `disposed`. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#parts.engine.dispose();
    return this.#disposal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** What decoding with this model works with: for `pipeline`, and for `generate` of a model that this one drafts for. */
  generateContext(): GenerateContext {
    if (this.#disposal) throw new TsumugiError("disposed", { what: "The model" });
    const { generationConfig } = this;
    const { model, engine, settingsFile, maxBatchSize: maxSequences, loadTokenizer } = this.#parts;
    return { engine, model, generationConfig, settingsFile, maxSequences, loadTokenizer };
  }
}

/** Refuses options behind what is neither a text nor a conversation: nobody would read them. */
function refuseMore(method: string, given: unknown, more: readonly unknown[]): void {
  if (more.length === 0) return;
  throw new TsumugiError("invalid_input", {
    what: `The first of ${more.length + 1} arguments of \`${method}\``,
    expected: `a text or a conversation, a list of { role, content }; ids and options are one object: \`${method}({ ...inputs, maxNewTokens: 20 })\``,
    given,
  });
}
