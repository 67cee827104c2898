import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Tokenizer } from "../tokenizer/index.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { AutoTokenizer } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import { pipeline } from "./pipeline.ts";

let model: CausalLM;
let tokenizer: Tokenizer;
let own: CausalLM["generationConfig"];
let warnings: string[] = [];

beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", {
    device: "reference",
    contextTokens: 128,
    maxBatchSize: 4,
  });
  tokenizer = await model.loadTokenizer();
  own = model.generationConfig;
});
afterAll(() => model.dispose());
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => {
  model.generationConfig = own;
  setWarningHandler();
});

const messages = [{ role: "user", content: "Hi" }];
const maxNewTokens = 3;

async function piecesOf(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

describe("model.stream", () => {
  test("takes messages among its options, as in front of them", async () => {
    const among = await model.stream({ messages, maxNewTokens }).result;
    const before = await model.stream(messages, { maxNewTokens }).result;
    expect(among.tokenIds).toEqual(before.tokenIds);
    expect(among.usage).toEqual(before.usage);
    const ids = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, returnDict: false });
    expect(among.usage.promptTokens).toBe(ids.length);
  });

  test("passes options of chats on to the template", async () => {
    const open = [...messages, { role: "assistant", content: "Hel" }];
    const goesOn = await model.stream({ messages: open, maxNewTokens }).result;
    const answers = await model.stream({ messages: open, continueFinalMessage: false, maxNewTokens }).result;
    expect(goesOn.usage.promptTokens).toBeLessThan(answers.usage.promptTokens);
    await model.stream({ messages, tools: [{ name: "f" }], maxNewTokens }).result;
    expect(warnings.join()).toContain("The chat template never reads `tools`");
  });

  test.each([
    [{ messages: [] }, "Option `messages` must be a conversation"],
    [{ messages: "Hi" }, "Option `messages` must be a conversation"],
    [{ messages: [{ role: "user" }] }, "Option `messages` must be a conversation"],
    [{ messages, prompt: "x" }, "Options `prompt` and `messages` cannot be used together"],
    [{ messages, inputIds: [1] }, "Options `messages` and `inputIds` cannot be used together"],
    [{ messages, attentionMask: [1] }, "Options `messages` and `attentionMask` cannot be used together"],
    [{ messages, addSpecialTokens: false }, "a chat template writes special tokens itself"],
    [{ prompt: "x", tools: [] }, "it is for chats, and the prompt is a text"],
    [{ inputIds: [1], tools: [] }, "Option `tools` is not supported: it says how a text or a conversation becomes token ids"],
    [{ prompt: "x", addSpecialTokens: "no" }, "`addSpecialTokens` must be true or false"],
  ])("refuses %j", (options, message) => {
    expect(() => model.stream(options as never)).toThrow(message);
  });

  test("warns of a second BOS, as pipelines do", async () => {
    const withBos = await AutoTokenizer.fromPretrained("tsumugi-mini", { addBosToken: true });
    const options = { tokenizer: withBos, maxNewTokens };
    const prompt = `${withBos.bosToken}Once`;
    await model.stream({ prompt, ...options }).result;
    expect(warnings).toEqual([expect.stringContaining("and the tokenizer puts another in front of it")]);
    setWarningHandler((message) => warnings.push(message));
    await model.generate(prompt, options);
    expect(warnings).toHaveLength(2);
    await model.stream({ prompt, addSpecialTokens: false, ...options }).result;
    expect(warnings).toHaveLength(2);
  });
});

describe("a search or several answers in a model's files", () => {
  test("a stream gives the text of the search when it has ended, and says so", async () => {
    model.generationConfig = { ...own, numBeams: 3 };
    const stream = model.stream({ prompt: "Once upon", maxNewTokens: 5 });
    const pieces = await piecesOf(stream);
    expect(pieces).toHaveLength(1);
    const { sequences } = await model.generate({ ...tokenizer("Once upon"), maxNewTokens: 5 });
    const { tokenIds, text } = await stream.result;
    expect(tokenIds).toEqual(sequences[0]!.slice(-tokenIds.length));
    expect(pieces.join("")).toBe(text);
    expect(warnings).toEqual([expect.stringContaining("asks for a search (`numBeams: 3`): the text comes when it has ended")]);
    expect((await piecesOf(model.stream({ prompt: "Once upon", maxNewTokens: 5, numBeams: 1 }))).length).toBeGreaterThan(1);
  });

  test("a search that the call asks for needs no words", async () => {
    await model.stream({ prompt: "Once upon", maxNewTokens: 5, numBeams: 2 }).result;
    expect(warnings).toEqual([]);
  });

  test.each([{ numBeams: 2 }, { doSample: true }, {}])("of several answers a stream gives one: %j", async (more) => {
    model.generationConfig = { ...own, ...more, numReturnSequences: 2 };
    const { text } = await model.stream({ prompt: "Once upon", maxNewTokens }).result;
    expect(text).not.toBe("");
    expect(warnings.join()).toContain("`numReturnSequences: 2` has no effect here");
    await model.generate("Once upon", { maxNewTokens });
  });
});

test("pipelines, and nobody else, take a max_length of 20 in a model's files for unset", async () => {
  model.generationConfig = { eosTokenId: own.eosTokenId ?? null, maxLength: 20, doSample: false };
  const prompt = tokenizer("Once upon a time");
  const { sequences } = await model.generate(prompt);
  expect(sequences[0]!.length).toBeLessThanOrEqual(20);
  const long = tokenizer("Once upon a time there was a little dog who liked to run and play in the sun all day long. ");
  await expect(model.generate(long)).rejects.toMatchObject({ code: "input_too_long", details: { limit: 20 } });
  const pipe = await pipeline("text-generation", { model });
  const stop = new AbortController();
  let tokens = 0;
  const onToken = () => {
    if (++tokens > 20) stop.abort();
  };
  await expect(pipe("Once upon a time", { onToken, signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
  expect(tokens).toBeGreaterThan(20);
  const [short] = await pipe("Once upon a time", { returnTensors: true, maxLength: 20 });
  expect(short.generatedTokenIds.length).toBeLessThanOrEqual(20);
  expect(warnings).toEqual([]);
});
