import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { setSeed } from "../sampling/index.ts";
import type { ChatMessage } from "../tokenizer/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { pipeline, type TextGenerationPipeline } from "./pipeline.ts";
import { setWarningHandler } from "./warnings.ts";

// A random checkpoint of 128 tokens; these prompts have ids below 128 in the byte-level tokenizer.
const fixtures = join(import.meta.dirname, "../../test/fixtures");
const chatTemplate =
  "{% for m in messages %}[{{ m.role[0] }}]{{ m.content }}{% if not loop.last or not continue_final_message %};{% endif %}{% endfor %}{% if add_generation_prompt %}[a]{% endif %}";
let model: CausalLM;
let pipe: TextGenerationPipeline;

beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference" });
  pipe = await pipeline("text-generation", { model, tokenizer: join(fixtures, "tokenizers/byte-level") });
  pipe.tokenizer.chatTemplate = chatTemplate;
});
afterAll(() => model.dispose());
beforeEach(() => setWarningHandler(() => {}));
afterEach(() => setWarningHandler());

const greedy = { doSample: false, maxNewTokens: 6 };
const chat: ChatMessage[] = [{ role: "user", content: "Q!" }];

/** What the model answers to ids, as text. */
async function answer(text: string, maxNewTokens = 6): Promise<string> {
  const { inputIds, attentionMask } = pipe.tokenizer(text); // without the mask "!", id 0, would pass for a pad
  const { sequences } = await model.generate({ inputIds, attentionMask, maxNewTokens, doSample: false });
  return pipe.tokenizer.decode(sequences[0]!.slice(inputIds.length), { unknownIds: "skip" });
}

describe("shapes", () => {
  test("a text", async () => {
    const outputs = await pipe("QXZ", greedy);
    expectTypeOf(outputs[0]!.generatedText).toEqualTypeOf<string>();
    expect(outputs).toEqual([{ generatedText: `QXZ${await answer("QXZ")}` }]);
    expect(await pipe("QXZ", { ...greedy, returnFullText: false })).toEqual([{ generatedText: await answer("QXZ") }]);
  });

  test("texts, in order, whatever the batch size", async () => {
    const prompts = ["QXZ", "Q", "ZZZZ"];
    const expected = await Promise.all(prompts.map(async (text) => [{ generatedText: text + (await answer(text)) }]));
    expect(await pipe(prompts, greedy)).toEqual(expected);
    expect(await pipe(prompts, { ...greedy, batchSize: 2 })).toEqual(expected);
    expect(await pipe([], greedy)).toEqual([]);
  });

  test("a chat gets the assistant's message", async () => {
    const outputs = await pipe(chat, greedy);
    expectTypeOf(outputs[0]!.generatedText).toEqualTypeOf<ChatMessage[]>();
    const content = await answer("[u]Q!;[a]");
    expect(outputs).toEqual([{ generatedText: [...chat, { role: "assistant", content }] }]);
    expect(await pipe([chat], greedy)).toEqual([outputs]);
    expect(await pipe(chat, { ...greedy, returnFullText: false })).toEqual([{ generatedText: content }]);
  });

  test("a chat that ends in an assistant's message goes on with it", async () => {
    const started = [...chat, { role: "assistant", content: "Z" }];
    const [output] = await pipe(started, greedy);
    const content = `Z${await answer("[u]Q!;[a]Z")}`;
    expect(output!.generatedText).toEqual([...chat, { role: "assistant", content }]);
  });

  test("several answers to each prompt", async () => {
    const outputs = await pipe(["QXZ", "Q"], { ...greedy, doSample: true, numReturnSequences: 3, seed: 1 });
    expect(outputs.map((texts) => texts.length)).toEqual([3, 3]);
  });

  test.each([[7], [[7]], [[{ role: "user" }]], [["a", chat]]])("refuses %j", async (input) => {
    await expect(pipe(input as unknown as string)).rejects.toThrow("The pipeline's input must be a text");
  });
});

describe("defaults", () => {
  test("samples unless told otherwise; a seed makes it repeatable, setSeed as well", async () => {
    const options = { maxNewTokens: 8 };
    const first = await pipe(["QXZ", "Q"], { ...options, seed: 7 });
    expect(await pipe(["QXZ", "Q"], { ...options, seed: 7 })).toEqual(first);
    expect(await pipe(["QXZ", "Q"], { ...options, seed: 8 })).not.toEqual(first);
    setSeed(7);
    expect(await pipe(["QXZ", "Q"], options)).toEqual(first);
    expect(await pipe(["QXZ", "Q"], { ...options, seed: 7, temperature: 0.7 })).toEqual(first);
  });

  test("256 new tokens, and maxLength wins over them", async () => {
    const other = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference" });
    other.generationConfig = { eosTokenId: null };
    const lengths: number[] = [];
    const generateWith = other.generateWith.bind(other);
    other.generateWith = async (generator, options) => {
      const result = await generateWith(generator, options);
      lengths.push(result.sequences[0]!.length);
      return result;
    };
    const own = await pipeline("text-generation", { model: other, tokenizer: pipe.tokenizer });
    await own("Q", { doSample: false, bosTokenId: 1 });
    await own("Q", { doSample: false, maxLength: 12 });
    Object.assign(other.config, { task_specific_params: { "text-generation": { do_sample: false, max_length: 9 } } });
    await own("Q");
    await own("Q", { maxNewTokens: 3 });
    expect(lengths).toEqual([257, 12, 9, 4]);
    await other.dispose();
  });
});

test("refuses what it does not know, by name", async () => {
  await expect(pipeline("fill-mask" as "text-generation", { model })).rejects.toThrow(
    "Supported: text-generation, text2text-generation.",
  );
  await expect(pipeline("text-generation", {} as { model: string })).rejects.toThrow("`model` must be");
  await expect(pipeline("text-generation", { model, torch_dtype: 1 } as { model: CausalLM })).rejects.toThrow("`dtype`");
  await expect(pipe("Q", { returnTensors: true } as object)).rejects.toThrow("`returnTensors` is not supported");
  await expect(pipe("Q", { max_new_tokens: 1 } as object)).rejects.toThrow("its name here is `maxNewTokens`");
  await expect(pipe("Q", { batchSize: 0 })).rejects.toThrow("`batchSize`");
});

test("dispose() leaves a model alone that was given loaded", async () => {
  await pipe.dispose();
  expect(await pipe("Q", greedy)).toHaveLength(1);
});

describe("nothing is ignored", () => {
  test.each([
    ["Q", { tools: [] }, "`tools` is not supported: it is for chats"],
    ["Q", { continueFinalMessage: true }, "`continueFinalMessage` is not supported"],
    [chat, { addSpecialTokens: true }, "`addSpecialTokens` is not supported: a chat template"],
    ["Q", { cleanUpTokenizationSpaces: "x" }, "`cleanUpTokenizationSpaces` must be true or false"],
    ["Q", 5, "The options must be an object"],
    ["Q", null, "The options must be an object"],
  ])("%j with %j", async (input, options, message) => {
    await expect(pipe(input as string, options as object)).rejects.toThrow(message);
  });

  test.each([
    [{ model: 5 }, "`model` must be a Hub id, a folder or a loaded model"],
    [{ model: {} }, "`model` must be a Hub id, a folder or a loaded model"],
    [{ tokenizer: 5 }, "`tokenizer` must be a Hub id, a folder or a loaded tokenizer"],
    [{ dtype: "float32" }, "`dtype` and a loaded `model` cannot be used together"],
    [{ localFilesOnly: true }, "`localFilesOnly` and a loaded `model`"],
  ])("pipeline with %j", async (options, message) => {
    await expect(pipeline("text-generation", { model, ...options } as never)).rejects.toThrow(message);
  });
});

test("a streamer gets one text of a list after the other, onToken the row in the list", async () => {
  const prompts = ["QXZ", "Q"];
  const texts: number[][] = [];
  let current: number[] = [];
  const streamer = {
    put: (ids: ArrayLike<number>) => void current.push(...Array.from(ids)),
    end() {
      texts.push(current);
      current = [];
    },
  };
  await pipe(prompts, { ...greedy, streamer: streamer as never });
  expect(texts.map((ids) => pipe.tokenizer.decode(ids, { unknownIds: "skip" }))).toEqual(
    await Promise.all(prompts.map(async (text) => text + (await answer(text)))),
  );
  const rows = new Set<number>();
  await pipe(prompts, { maxNewTokens: 2, numReturnSequences: 2, seed: 1, onToken: ({ row }) => rows.add(row) });
  expect([...rows].sort()).toEqual([0, 1, 2, 3]);
});

test("an empty prompt starts from BOS beside others, too", async () => {
  const options = { ...greedy, bosTokenId: 1 };
  const alone = await pipe(["", "QX"], options);
  expect(await pipe(["", "QX"], { ...options, batchSize: 2 })).toEqual(alone);
});
