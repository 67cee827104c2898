import type { GenerationConfig } from "../decoding/generation-config.ts";
import { readGenerationConfig } from "../decoding/read-generation-config.ts";
import { TsumugiError } from "../errors.ts";
import { RandomGenerator, sharedGenerator } from "../sampling/index.ts";
import { checkSeed } from "../sampling/seed.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import type { FromPretrainedOptions } from "./auto-model.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { overDefaults } from "./pipeline-defaults.ts";
import { refuseCallOptions, type TextOutput } from "./pipeline-options.ts";
import { encodeLongPrompts } from "./pipeline-prompts.ts";
import type { Seq2SeqLM } from "./seq2seq-lm.ts";

/**
 * Options of `pipeline("text2text-generation", …)`. Loading options are for a model named by id or folder; options of a call
 * are what every call takes where it does not name them (`signal` is the loading's).
 */
export interface Text2TextPipelineOptions extends FromPretrainedOptions, Omit<Text2TextOptions, "signal"> {
  /** Hub id, folder, or a loaded encoder-decoder model (which `pipe.dispose()` then leaves alone). */
  model: string | Seq2SeqLM;
  /** Hub id or folder, or a loaded tokenizer. Default: the model's own. */
  tokenizer?: string | Tokenizer;
}

/** Options of a call: everything of `GenerateOptions` that is no input, and these. */
export interface Text2TextOptions
  extends Omit<
    GenerateOptions,
    "inputIds" | "attentionMask" | "tokenizer" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
  > {
  /** Undo spaces before punctuation. Default: the tokenizer's. */
  cleanUpTokenizationSpaces?: boolean;
  /** Texts that form one padded batch, as Python sees it (it matters to seeds). All run at once anyway. Default 1. */
  batchSize?: number;
}

/** Texts in, texts out, through an encoder-decoder model; called like a function. */
export interface Text2TextPipeline {
  /** `numReturnSequences` answers. */
  (text: string, options?: Text2TextOptions): Promise<[TextOutput, ...TextOutput[]]>;
  /** `numReturnSequences` answers to each text. */
  (texts: readonly string[], options?: Text2TextOptions): Promise<[TextOutput, ...TextOutput[]][]>;
  (
    input: string | readonly string[],
    options?: Text2TextOptions,
  ): Promise<[TextOutput, ...TextOutput[]] | [TextOutput, ...TextOutput[]][]>;
  readonly task: "text2text-generation";
  readonly model: Seq2SeqLM;
  readonly tokenizer: Tokenizer;
  /** Frees the model, unless it was given loaded. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of this pipeline that are not options of `generate`. */
export const text2TextNames = ["cleanUpTokenizationSpaces", "batchSize"] as const;

/** The pipeline of a loaded model; `owned`: `dispose` frees it. */
export function createText2TextPipeline(
  model: Seq2SeqLM,
  tokenizer: Tokenizer,
  owned: boolean,
  defaults: Text2TextOptions,
): Text2TextPipeline {
  const call = async (input: string | readonly string[], options: Text2TextOptions = {}) => {
    const single = typeof input === "string";
    const texts: readonly unknown[] = single ? [input] : input;
    if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
      throw new TsumugiError("invalid_input", {
        what: "The pipeline's input",
        expected: "a text or a list of texts",
        given: input,
      });
    }
    const outputs = await run(model, tokenizer, texts, overDefaults(defaults, options), single);
    return single ? outputs[0]! : outputs;
  };
  const dispose = async (): Promise<void> => {
    if (owned) await model.dispose();
  };
  const members = { task: "text2text-generation", model, tokenizer, dispose, [Symbol.asyncDispose]: dispose };
  return Object.assign(call, members) as unknown as Text2TextPipeline;
}

/** Refuses unknown options of a call, and wrong values of the pipeline's own. */
export function checkText2TextOptions(options: Text2TextOptions): void {
  const truncation =
    "texts are never cut; cut them with `tokenizer(text, { truncation: true, maxLength })` and use `model.generate`";
  refuseCallOptions(options, [], { truncation });
  checkGenerateOptions(options as GenerateOptions, text2TextNames);
  if (options.batchSize !== undefined) parseOption(whole(1), options.batchSize, "batchSize");
  checkOptionTypes(options, { cleanUpTokenizationSpaces: "boolean" });
}

async function run(
  model: Seq2SeqLM,
  tokenizer: Tokenizer,
  texts: readonly string[],
  options: Text2TextOptions,
  single: boolean,
): Promise<TextOutput[][]> {
  checkText2TextOptions(options);
  const { cleanUpTokenizationSpaces, batchSize = 1, ...forGenerate } = options;
  const { settings, prefix } = withDefaults(model, forGenerate);
  const { seed, onToken } = forGenerate;
  const generator = seed === undefined ? undefined : new RandomGenerator(checkSeed(seed, "seed"));
  // Python's pipeline runs lists through a DataLoader, which draws a seed of its own: two words.
  if (!single) (generator ?? sharedGenerator())?.skip(2);
  const long = encodeLongPrompts(tokenizer, texts, prefix, {});
  const encoded = long && (await long);
  const answer = async (from: number): Promise<TextOutput[][]> => {
    const rows = texts.slice(from, from + batchSize).map((text, i) => encoded?.[from + i] ?? tokenizer.encode(prefix + text));
    const inputs = tokenizer.pad({ inputIds: rows }, { padding: true });
    const { sequences } = await model.generateWith(generator, {
      ...forGenerate,
      ...settings,
      ...inputs,
      tokenizer,
      ...(onToken && {
        onToken: (event) => onToken({ ...event, row: from * sequencesPerText(model, forGenerate, settings) + event.row }),
      }),
    });
    const copies = sequences.length / rows.length;
    const answers = sequences.map((ids) => ({
      generatedText: tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpTokenizationSpaces }),
    }));
    return rows.map((_, index) => answers.slice(index * copies, (index + 1) * copies));
  };
  const batches: Promise<TextOutput[][]>[] = [];
  for (let from = 0; from < texts.length; from += batchSize) {
    const batch = answer(from);
    batches.push(batch);
    if (forGenerate.streamer) await batch.catch(() => {}); // one text after the other, as in Python
  }
  const settled = await Promise.allSettled(batches);
  return settled.flatMap((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

function sequencesPerText(model: Seq2SeqLM, call: GenerateOptions, settings: GenerationConfig): number {
  const given = [call, settings, call.generationConfig, model.generationConfig].map((source) => source?.numReturnSequences);
  return given.find((count) => count !== undefined && count !== null) ?? 1;
}

/** What the pipeline decides where neither the call nor the model's files do: four beams, 256 new tokens, and a prefix. */
function withDefaults(model: Seq2SeqLM, call: GenerateOptions): { settings: GenerationConfig; prefix: string } {
  const { task_specific_params: tasks, prefix: general } = model.config;
  const specific = (tasks as { [task: string]: unknown } | null | undefined)?.["text2text-generation"];
  const task = specific === undefined ? {} : readGenerationConfig(undefined, specific);
  const settings: GenerationConfig = Object.fromEntries(
    Object.entries(task).filter(([name]) => {
      const field = name as keyof GenerationConfig;
      return call[field] === undefined && call.generationConfig?.[field] === undefined;
    }),
  );
  const set: GenerationConfig = { ...task, ...model.generationConfig, ...call.generationConfig, ...call };
  if (set.maxNewTokens !== undefined) delete settings.maxLength;
  else if (set.maxLength === undefined) settings.maxNewTokens = 256;
  if (set.numBeams === undefined) settings.numBeams = 4;
  // a length that the call names wins over one that files name
  const named = call.maxLength ?? call.generationConfig?.maxLength;
  if (named !== undefined && (call.maxNewTokens ?? call.generationConfig?.maxNewTokens) === undefined) {
    settings.maxNewTokens = null;
  }
  const own = (specific as { prefix?: unknown } | undefined)?.prefix;
  const prefix = [own, general].find((value) => typeof value === "string");
  return { settings, prefix: (prefix as string | undefined) ?? "" };
}
