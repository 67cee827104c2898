import { AnswerDecoder } from "../decoding/answer-decoder.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import { readGenerationConfig } from "../decoding/read-generation-config.ts";
import { TsumugiError } from "../errors.ts";
import { RandomGenerator, sharedGenerator } from "../sampling/index.ts";
import { checkSeed } from "../sampling/seed.ts";
import type { ChatInput, ChatMessage, Tokenizer } from "../tokenizer/index.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM, hubNames } from "./auto-model.ts";
import { AutoTokenizer, type TokenizerLoadOptions } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { checkDefaultFields, overDefaults, splitPipelineOptions } from "./pipeline-defaults.ts";
import {
  type ChatOutput,
  ownNames,
  refuseCallOptions,
  type TextGenerationOptions,
  type TextGenerationPipelineOptions,
  type TextOutput,
  type TokenOutput,
} from "./pipeline-options.ts";
import {
  continuesLast,
  encodeLongPrompts,
  encodePrompt,
  leaveHole,
  lengthsBehind,
  type Prompt,
  prefixOf,
  stopSequenceIds,
} from "./pipeline-prompts.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";
import {
  checkText2TextOptions,
  createText2TextPipeline,
  type Text2TextPipeline,
  type Text2TextPipelineOptions,
  text2TextNames,
} from "./text2text-pipeline.ts";

type Ids = TextGenerationOptions & { returnTensors: true };
type TextOnly = TextGenerationOptions & { returnTensors?: false };
type WholeChat = TextOnly & { returnFullText?: true };
type NewTextOnly = TextOnly & { returnFullText: false };

/** `numReturnSequences` answers to one prompt. */
export type Answers<Output> = [Output, ...Output[]];

/** Text or chats in, text or chats out; called like a function. */
export interface TextGenerationPipeline {
  (prompt: string | readonly ChatInput[], options: Ids): Promise<Answers<TokenOutput>>;
  (prompts: readonly string[] | readonly (readonly ChatInput[])[], options: Ids): Promise<Answers<TokenOutput>[]>;
  (prompt: string, options?: TextOnly): Promise<Answers<TextOutput>>;
  (prompts: readonly string[], options?: TextOnly): Promise<Answers<TextOutput>[]>;
  (input: string | readonly string[], options?: TextOnly): Promise<Answers<TextOutput> | Answers<TextOutput>[]>;
  (chat: readonly ChatInput[], options: NewTextOnly): Promise<Answers<TextOutput>>;
  (chats: readonly (readonly ChatInput[])[], options: NewTextOnly): Promise<Answers<TextOutput>[]>;
  (chat: readonly ChatInput[], options?: WholeChat): Promise<Answers<ChatOutput>>;
  (chats: readonly (readonly ChatInput[])[], options?: WholeChat): Promise<Answers<ChatOutput>[]>;
  // flags that are no literals leave open what an answer is
  (prompt: string, options: TextGenerationOptions): Promise<Answers<TextOutput | TokenOutput>>;
  (prompts: readonly string[], options: TextGenerationOptions): Promise<Answers<TextOutput | TokenOutput>[]>;
  (chat: readonly ChatInput[], options: TextGenerationOptions): Promise<Answers<TextOutput | TokenOutput | ChatOutput>>;
  (
    chats: readonly (readonly ChatInput[])[],
    options: TextGenerationOptions,
  ): Promise<Answers<TextOutput | TokenOutput | ChatOutput>[]>;
  readonly task: "text-generation";
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Frees the model, unless it was given loaded. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const tasks = ["text-generation", "text2text-generation"];

/**
 * Loads a model with its tokenizer for a task: "text-generation", or "text2text-generation" for encoder-decoder models.
 *
 * Where neither the call nor the model's files decide, it samples with temperature 0.7 and stops after 256 new tokens, as
 * in transformers 5. Unlike there, a call's `maxLength` wins over the 256, prompts are never cut, and the space between
 * prompt and answer stays with every tokenizer. "text2text-generation" searches with 4 beams instead of sampling, as in
 * transformers 4 (5 has no such pipeline any more), and a list of texts gives a list of answers for each.
 *
 * Options of a call, `maxNewTokens: 4` or `batchSize: 8`, may stand here too: every call takes them where it names none.
 *
 * @throws `unknown_task`, `unknown_option`, `unsupported_option`, and what `fromPretrained` and `generate` throw
 *
 * @example
 * ```ts
 * const pipe = await pipeline("text-generation", { model: "tsumugi-mini", dtype: "bfloat16" });
 * const [out] = await pipe("Tell me a story about a dragon.", { maxNewTokens: 100, doSample: false });
 * console.log(out.generatedText);
 * await pipe.dispose();
 * ```
 * Source: transformers 5.18, `pipelines/text_generation.py`.
 */
export function pipeline(task: "text-generation", options: TextGenerationPipelineOptions): Promise<TextGenerationPipeline>;
export function pipeline(task: "text2text-generation", options: Text2TextPipelineOptions): Promise<Text2TextPipeline>;
export async function pipeline(
  task: "text-generation" | "text2text-generation",
  options: TextGenerationPipelineOptions | Text2TextPipelineOptions,
): Promise<TextGenerationPipeline | Text2TextPipeline> {
  if (!tasks.includes(task)) throw new TsumugiError("unknown_task", { task: String(task), supported: tasks.join(", ") });
  const isText2Text = task === "text2text-generation";
  const { model: given, tokenizer: named } = options ?? {};
  const { load, defaults } = splitPipelineOptions(options ?? {}, isText2Text ? text2TextNames : ownNames);
  if (isText2Text) checkText2TextOptions(defaults);
  else split(defaults);
  checkDefaultFields(defaults, isText2Text ? { numBeams: 4 } : { doSample: true });
  if (given === undefined) {
    const expected = "a Hub id, a folder or a loaded model";
    throw new TsumugiError("invalid_option", { option: "model", expected, found: "nothing" });
  }
  if (typeof given !== "string") checkLoadedModel(given, named, load, isText2Text);
  if (named !== undefined && typeof named !== "string" && typeof (named as Partial<Tokenizer> | null)?.decode !== "function") {
    const expected = "a Hub id, a folder or a loaded tokenizer";
    throw new TsumugiError("invalid_option", { option: "tokenizer", expected, given: named });
  }
  const loader = isText2Text ? AutoModelForSeq2SeqLM : AutoModelForCausalLM;
  const model = typeof given === "string" ? await loader.fromPretrained(given, load) : given;
  try {
    const hub: TokenizerLoadOptions = Object.fromEntries(Object.entries(load).filter(([name]) => hubNames.includes(name)));
    const tokenizer =
      typeof named === "string" ? await AutoTokenizer.fromPretrained(named, hub) : (named ?? (await model.loadTokenizer()));
    const owned = typeof given === "string";
    const make = isText2Text ? createText2TextPipeline : create;
    return make(model, tokenizer, owned, defaults);
  } catch (error) {
    if (typeof given === "string") await model.dispose();
    throw error;
  }
}

/** Loading options say nothing to a model that is loaded; the Hub's still hold for a tokenizer that is not. */
function checkLoadedModel(model: CausalLM, tokenizer: unknown, load: object, isText2Text: boolean): void {
  if (typeof (model as Partial<CausalLM> | null)?.generateWith !== "function") {
    const expected = "a Hub id, a folder or a loaded model";
    throw new TsumugiError("invalid_option", { option: "model", expected, given: model });
  }
  if (isText2Text !== model instanceof Seq2SeqLM) {
    const expected = isText2Text ? "an encoder-decoder model" : 'a causal model (use "text2text-generation")';
    throw new TsumugiError("invalid_option", { option: "model", expected, given: model.config.model_type });
  }
  for (const [option, value] of Object.entries(load)) {
    if (value === undefined || (typeof tokenizer === "string" && hubNames.includes(option))) continue;
    const reason = "it says how to load a model, and this one is loaded";
    throw new TsumugiError("conflicting_options", { options: `\`${option}\` and a loaded \`model\``, reason });
  }
}

type Chat = readonly ChatMessage[];

function create(
  model: CausalLM,
  tokenizer: Tokenizer,
  owned: boolean,
  defaults: TextGenerationOptions,
): TextGenerationPipeline {
  const call = async (input: Prompt | readonly string[] | readonly Chat[], options: TextGenerationOptions = {}) => {
    const { prompts, single } = readPrompts(input);
    const outputs = await run(model, tokenizer, prompts, overDefaults(defaults, options), single);
    return single ? outputs[0]! : outputs;
  };
  const dispose = async (): Promise<void> => {
    if (owned) await model.dispose();
  };
  const members = { task: "text-generation", model, tokenizer, dispose, [Symbol.asyncDispose]: dispose };
  return Object.assign(call, members) as unknown as TextGenerationPipeline;
}

function readPrompts(input: unknown): { prompts: Prompt[]; single: boolean } {
  if (typeof input === "string") return { prompts: [input], single: true };
  if (isChat(input)) return { prompts: [input], single: true };
  if (Array.isArray(input) && input.every((item) => typeof item === "string")) return { prompts: input, single: false };
  if (Array.isArray(input) && input.every(isChat)) return { prompts: input, single: false };
  const expected = "a text, a list of texts, a chat (a list of { role, content }) or a list of chats";
  throw new TsumugiError("invalid_input", { what: "The pipeline's input", expected, given: input });
}

function isChat(value: unknown): value is Chat {
  const isMessage = (item: unknown) => typeof item === "object" && item !== null && "role" in item && "content" in item;
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}

async function run(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompts: readonly Prompt[],
  options: TextGenerationOptions,
  single: boolean,
): Promise<unknown[][]> {
  const { own, forGenerate } = split(options);
  for (const prompt of prompts) refuseOtherKind(prompt, own);
  const prefix = prefixOf(model.config, own.prefix);
  if (own.stopSequence !== undefined) forGenerate.eosTokenId = stopSequenceIds(tokenizer, own.stopSequence);
  const { returnFullText = true, returnTensors = false, batchSize = 1 } = own;
  const { skipSpecialTokens = true, cleanUpTokenizationSpaces } = own;
  const settings = withDefaults(model, forGenerate);
  const { seed } = forGenerate;
  const generator = seed === undefined ? undefined : new RandomGenerator(checkSeed(seed, "seed"));
  // Python's pipeline runs lists through a DataLoader, which draws a seed of its own: two words.
  if (!single) (generator ?? sharedGenerator())?.skip(2);
  const decided = <Name extends keyof GenerationConfig>(name: Name): GenerationConfig[Name] =>
    forGenerate[name] ?? settings[name] ?? forGenerate.generationConfig?.[name] ?? model.generationConfig[name];
  const copies = decided("numReturnSequences") ?? 1;
  const long = encodeLongPrompts(tokenizer, prompts, prefix, own);
  const encoded = long && (await long);
  const chunks: Promise<unknown[][]>[] = [];
  for (let from = 0; from < prompts.length; from += batchSize) {
    const chunk = answer(prompts.slice(from, from + batchSize), from);
    chunks.push(chunk);
    if (forGenerate.streamer) await chunk.catch(() => {}); // one text after the other, as in Python
  }
  const settled = await Promise.allSettled(chunks);
  return settled.flatMap((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });

  function encodedInputs(rows: number[][]): { inputIds?: number[][]; attentionMask?: number[][] } {
    if (rows.length > 1) return tokenizer.pad({ inputIds: rows }, padding);
    return rows[0]!.length === 0 ? {} : { inputIds: rows, attentionMask: [rows[0]!.map(() => 1)] };
  }

  /** New tokens that a call asks for; with `maxLength`, what it leaves to the longest prompt. */
  function wantedTokens(rows: readonly number[][]): number {
    const named = settings.maxNewTokens === null ? undefined : decided("maxNewTokens");
    if (named !== undefined && named !== null) return named;
    const maxLength = decided("maxLength") ?? 0;
    const longest = Math.max(...rows.map(({ length }) => length));
    if (maxLength > longest) return maxLength - longest;
    const reason = `the prompt has ${longest} tokens, which leave none of ${maxLength}; set \`maxNewTokens\``;
    throw new TsumugiError("conflicting_options", { options: '`handleLongGeneration: "hole"` and `maxLength`', reason });
  }

  async function answer(chunk: readonly Prompt[], from: number): Promise<unknown[][]> {
    const bosTokenId = decided("bosTokenId");
    // beside other rows, too, an empty prompt starts from BOS
    const uncut = chunk
      .map((prompt, i) => encoded?.[from + i] ?? encodePrompt(tokenizer, prompt, typeof prompt === "string" ? prefix : "", own))
      .map((ids) => (ids.length === 0 && chunk.length > 1 && typeof bosTokenId === "number" ? [bosTokenId] : ids));
    const newTokens = own.handleLongGeneration === "hole" ? wantedTokens(uncut) : undefined;
    const rows = newTokens === undefined ? uncut : leaveHole(tokenizer, uncut, newTokens);
    const inputs = encodedInputs(rows);
    const width = inputs.inputIds?.[0]?.length ?? 1; // an empty prompt starts from BOS
    const { onToken } = forGenerate;
    const { sequences } = await model.generateWith(generator, {
      ...forGenerate,
      ...settings,
      ...(chunk.every((prompt) => typeof prompt === "string") && lengthsBehind(tokenizer, prefix, forGenerate, own)),
      ...(newTokens !== undefined && { maxNewTokens: newTokens, maxLength: null }),
      ...inputs,
      tokenizer,
      ...(onToken && { onToken: (event) => onToken({ ...event, row: from * copies + event.row }) }),
    });
    return chunk.map((prompt, index) =>
      sequences.slice(index * copies, (index + 1) * copies).map((sequence) => {
        if (returnTensors) return { generatedTokenIds: sequence };
        // Behind a text the answer keeps its leading space, which a decoder of new tokens alone would strip (Llama 2).
        const continues = typeof prompt === "string" || continuesLast(prompt, own);
        const promptIds = continues ? rows[index] : undefined;
        const decoder = new AnswerDecoder(tokenizer, { skipSpecialTokens, cleanUpTokenizationSpaces, promptIds });
        const text = decoder.push(sequence.slice(width)) + decoder.end();
        return { generatedText: returnFullText ? joined(prompt, text, own) : text };
      }),
    );
  }
}

/** Options of chats beside a text, and the other way round. */
function refuseOtherKind(prompt: Prompt, own: OwnOptions): void {
  const isText = typeof prompt === "string";
  const others = isText
    ? (["tools", "documents", "chatTemplateKwargs", "continueFinalMessage"] as const)
    : (["addSpecialTokens", "prefix"] as const);
  const option = others.find((name) => own[name] !== undefined);
  if (option === undefined) return;
  const forTexts =
    option === "prefix" ? "it is for texts, and the prompt is a chat" : "a chat template writes special tokens itself";
  const reason = isText ? "it is for chats, and the prompt is a text" : forTexts;
  throw new TsumugiError("unsupported_option", { option, reason });
}

const padding = { padding: true, paddingSide: "left" } as const;

const ownTypes = {
  returnFullText: "boolean",
  returnTensors: "boolean",
  returnText: "boolean",
  prefix: "string",
  stopSequence: "string",
  addSpecialTokens: "boolean",
  skipSpecialTokens: "boolean",
  cleanUpTokenizationSpaces: "boolean",
  continueFinalMessage: "boolean",
} as const;

type OwnOptions = Pick<TextGenerationOptions, (typeof ownNames)[number]>;

function split(options: TextGenerationOptions): { own: OwnOptions; forGenerate: GenerateOptions } {
  refuseCallOptions(options, ownNames);
  checkGenerateOptions(options as GenerateOptions, ownNames);
  const isOwn = (name: string) => (ownNames as readonly string[]).includes(name);
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  const own: OwnOptions = Object.fromEntries(entries.filter(([name]) => isOwn(name)));
  if (own.batchSize !== undefined) parseOption(whole(1), own.batchSize, "batchSize");
  checkOptionTypes(own, ownTypes);
  checkTogether(own, options);
  return { own, forGenerate: Object.fromEntries(entries.filter(([name]) => !isOwn(name))) };
}

function checkTogether(own: OwnOptions, { eosTokenId }: TextGenerationOptions): void {
  const kinds = (["returnFullText", "returnTensors", "returnText"] as const).filter((name) => own[name] !== undefined);
  if (kinds.length > 1) {
    const reason = "each says what an answer is";
    throw new TsumugiError("conflicting_options", { options: kinds.map((name) => `\`${name}\``).join(" and "), reason });
  }
  if ((own.returnText as boolean | undefined) === false) {
    const reason = "without text there are only ids: use `returnTensors`";
    throw new TsumugiError("unsupported_option", { option: "returnText: false", reason });
  }
  const { handleLongGeneration: way } = own;
  if (way !== undefined && way !== null && way !== "hole") {
    throw new TsumugiError("invalid_option", { option: "handleLongGeneration", expected: '"hole" or null', given: way });
  }
  if (own.stopSequence !== undefined && eosTokenId !== undefined) {
    const reason = "the one takes the place of the other";
    throw new TsumugiError("conflicting_options", { options: "`stopSequence` and `eosTokenId`", reason });
  }
}

/** What the pipeline decides where neither the call nor the model's files do. */
function withDefaults(model: CausalLM, call: GenerateOptions): GenerationConfig {
  const { task_specific_params: tasks } = model.config;
  const specific = (tasks as { [task: string]: unknown } | null | undefined)?.["text-generation"];
  const task = specific === undefined ? {} : readGenerationConfig(undefined, specific);
  const set: GenerationConfig = { ...task, ...model.generationConfig, ...call.generationConfig, ...call };
  const result: GenerationConfig = { ...task };
  for (const name of Object.keys(task) as (keyof GenerationConfig)[]) {
    if (call[name] !== undefined || call.generationConfig?.[name] !== undefined) delete result[name];
  }
  if (set.maxNewTokens !== undefined) delete result.maxLength;
  else if (set.maxLength === undefined) result.maxNewTokens = 256;
  if (set.doSample === undefined) result.doSample = true;
  if (set.temperature === undefined && (set.doSample ?? true)) result.temperature = 0.7;
  // a length that the call names wins over one that files name
  const named = call.maxLength ?? call.generationConfig?.maxLength;
  if (named !== undefined && (call.maxNewTokens ?? call.generationConfig?.maxNewTokens) === undefined)
    result.maxNewTokens = null;
  return result;
}

function joined(prompt: Prompt, text: string, own: OwnOptions): string | ChatMessage[] {
  if (typeof prompt === "string") return prompt + text;
  if (!continuesLast(prompt, own)) return [...prompt, { role: "assistant", content: text }];
  const last = prompt.at(-1)!;
  return [...prompt.slice(0, -1), { ...last, content: `${String(last.content)}${text}` }];
}
