import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import type { Request } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import { setSeed } from "../sampling/index.ts";
import type { ChatMessage } from "../tokenizer/index.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { pipeline } from "./pipeline.ts";
import type { Answers } from "./pipeline-answers.ts";
import type { ChatOutput, TextGenerationOptions, TextOutput, TokenOutput } from "./pipeline-options.ts";
import type { TextGenerationPipeline } from "./text-generation-pipeline.ts";

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

  test("what JSON cannot hold is refused by its place, in a chat too", async () => {
    for (const content of [5n, new Map(), [{ type: "text", text: 5n }]])
      await expect(pipe([{ role: "user", content }] as unknown as ChatMessage[], greedy)).rejects.toMatchObject({
        code: "invalid_input",
      });
  });

  test("images in a chat are refused; parts of text are not", async () => {
    const parts = (...content: object[]) => [{ role: "user", content }] as unknown as ChatMessage[];
    const image = { type: "image", url: "x.png" };
    await expect(pipe([chat, parts({ type: "text", text: "Q" }, image)], greedy)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining('images, audio and video cannot be read. Given: {"type":"image"}'),
    });
    pipe.tokenizer.chatTemplate = "{{ messages[0].content[0].text }};";
    const [output] = await pipe(parts({ type: "text", text: "Q" }), { ...greedy, returnFullText: false });
    pipe.tokenizer.chatTemplate = chatTemplate;
    expect(output!.generatedText).toEqual(await answer("Q;"));
  });

  test("a chat gets the assistant's message", async () => {
    const outputs = await pipe(chat, greedy);
    expectTypeOf(outputs[0].generatedText.at(-1).content).toEqualTypeOf<string>();
    expectTypeOf(outputs[0].generatedText).toExtend<ChatMessage[]>();
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
    const own = await pipeline("text-generation", { model: other, tokenizer: pipe.tokenizer });
    const lengthOf = async (options: TextGenerationOptions) => {
      const [row] = await own("Q", { ...options, returnTensors: true });
      return row.generatedTokenIds.length;
    };
    const lengths = [await lengthOf({ doSample: false, bosTokenId: 1 }), await lengthOf({ doSample: false, maxLength: 12 })];
    Object.assign(other.config, { task_specific_params: { "text-generation": { do_sample: false, max_length: 9 } } });
    lengths.push(await lengthOf({}), await lengthOf({ maxNewTokens: 3 }));
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
  await expect(pipe("Q", { truncation: true } as object)).rejects.toThrow("`truncation` is not supported");
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
    [chat, { prefix: "Q" }, "`prefix` is not supported: it is for texts"],
    ["Q", { returnFullText: false, returnTensors: true }, "`returnFullText` and `returnTensors` cannot be used together"],
    ["Q", { returnFullText: true, returnText: true }, "`returnFullText` and `returnText`"],
    ["Q", { returnText: true, returnTensors: true }, "`returnTensors` and `returnText`"],
    ["Q", { returnText: false }, "use `returnTensors`"],
    ["Q", { stopSequence: "Q", eosTokenId: 1 }, "`stopSequence` and `eosTokenId`"],
    ["Q", { stopSequence: "" }, "`stopSequence` must be a text of at least one token"],
    ["Q", { handleLongGeneration: "gap" }, '`handleLongGeneration` must be "hole" or null'],
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

describe("what transformers' pipeline knows besides", () => {
  const idsOf = (text: string) => pipe.tokenizer(text).inputIds;
  const generated = async (ids: number[], maxNewTokens = 6) => {
    const mask = [ids.map(() => 1)];
    return (await model.generate({ inputIds: [ids], attentionMask: mask, maxNewTokens, doSample: false })).sequences[0]!;
  };

  test("returnTensors: ids of the prompt with its pads, and of the answer", async () => {
    const options = { ...greedy, returnTensors: true } as const;
    const outputs = await pipe("QXZ", options);
    expectTypeOf(outputs[0]!.generatedTokenIds).toEqualTypeOf<number[]>();
    expect(outputs).toEqual([{ generatedTokenIds: await generated(idsOf("QXZ")) }]);
    expect(await pipe(chat, options)).toEqual([{ generatedTokenIds: await generated(idsOf("[u]Q!;[a]")) }]);
    const padded = await pipe(["QXZ", "Q"], { ...options, batchSize: 2, padTokenId: 0 });
    const pad = pipe.tokenizer.padTokenId!;
    const [short] = padded[1]!;
    expect(short.generatedTokenIds).toEqual([pad, pad, ...(await generated(idsOf("Q")))]);
  });

  test("returnText changes nothing", async () => {
    expect(await pipe("QXZ", { ...greedy, returnText: true })).toEqual(await pipe("QXZ", greedy));
  });

  test("prefix stands in front of the prompt, not in the text; lengths do not count it", async () => {
    const expected = [{ generatedText: `XZ${await answer("QQXZ")}` }];
    expect(await pipe("XZ", { ...greedy, prefix: "QQ" })).toEqual(expected);
    const [output] = await pipe("XZ", { prefix: "QQ", doSample: false, maxLength: 8, returnTensors: true });
    expect(output.generatedTokenIds).toEqual(await generated(idsOf("QQXZ"), 6));
    Object.assign(model.config, { task_specific_params: { "text-generation": { prefix: "QQ" } } });
    try {
      expect(await pipe("XZ", greedy)).toEqual(expected);
      expect(await pipe("QQXZ", { ...greedy, prefix: "" })).toEqual([{ generatedText: `QQXZ${await answer("QQXZ")}` }]);
    } finally {
      Object.assign(model.config, { task_specific_params: undefined });
    }
  });

  test("stopSequence: each of its tokens ends the answer", async () => {
    const ids = await generated(idsOf("QXZ"));
    const text = pipe.tokenizer.decode([ids[4]!]);
    const told: string[] = [];
    setWarningHandler((message) => told.push(message));
    const [output] = await pipe("QXZ", { ...greedy, returnTensors: true, stopSequence: text });
    expect(output.generatedTokenIds).toEqual(ids.slice(0, 5));
    await pipe("QXZ", { ...greedy, stopSequence: "QX" });
    expect(told.filter((message) => message.includes("`stopSequence` is"))).toHaveLength(1);
  });

  test('handleLongGeneration: "hole" cuts the prompt from the left, not its text', async () => {
    const { modelMaxLength } = pipe.tokenizer;
    pipe.tokenizer.modelMaxLength = 9;
    try {
      const options = { ...greedy, handleLongGeneration: "hole" } as const;
      const [output] = await pipe("QXZQXZ", { ...options, returnTensors: true });
      expect(output.generatedTokenIds).toEqual(await generated(idsOf("QXZ")));
      expect(await pipe("QXZQXZ", options)).toEqual([{ generatedText: `QXZQXZ${await answer("QXZ")}` }]);
      const byLength = { doSample: false, maxLength: 10, handleLongGeneration: "hole", returnTensors: true } as const;
      expect((await pipe("QXZQXZ", byLength))[0].generatedTokenIds).toEqual(await generated(idsOf("XZQXZ"), 4));
      await expect(pipe("QXZQXZ", { ...options, maxNewTokens: 9 })).rejects.toThrow("modelMaxLength (9)");
      await expect(pipe("QXZQXZ", { ...byLength, maxLength: 3 })).rejects.toThrow("set `maxNewTokens`");
      expect((await pipe("Q", options))[0].generatedText).toBe(`Q${await answer("Q")}`);
    } finally {
      pipe.tokenizer.modelMaxLength = modelMaxLength;
    }
  });

  test("a second BOS is told, once", async () => {
    const llama = await pipeline("text-generation", { model, tokenizer: join(fixtures, "tokenizers/llama") });
    const told: string[] = [];
    setWarningHandler((message) => told.push(message));
    const { bosToken, bosTokenId } = llama.tokenizer;
    const rows: (readonly number[])[] = [];
    const context = model.generateContext();
    const submit = (request: Request) => {
      rows.push(request.sequences[0]!.tokens);
      throw new TsumugiError("internal", { what: "nothing is generated" });
    };
    const spy = vi.spyOn(model, "generateContext").mockReturnValue({
      ...context,
      engine: { ...context.engine, submit },
      model: { ...context.model, vocabularySize: 32000 },
    });
    const text = `${bosToken}a`;
    await expect(llama([text, text, "a"])).rejects.toThrow("nothing is generated");
    await expect(llama(text, { addSpecialTokens: false })).rejects.toThrow("nothing is generated");
    spy.mockRestore();
    expect(rows.map((ids) => ids.filter((id) => id === bosTokenId).length)).toEqual([2, 2, 1, 1]);
    expect(told.filter((message) => message.includes("puts another in front of it"))).toHaveLength(1);
  });
});

describe("options of a call among those of the pipeline", () => {
  const tokenizer = join(fixtures, "tokenizers/byte-level");

  test("hold where a call names none", async () => {
    const short = await pipeline("text-generation", {
      model,
      tokenizer,
      ...greedy,
      maxNewTokens: 2,
      eosTokenId: 5,
      batchSize: 2,
    });
    expect(await short("QXZ")).toEqual([{ generatedText: `QXZ${await answer("QXZ", 2)}` }]);
    expect(await short("QXZ", { maxNewTokens: 6 })).toEqual([{ generatedText: `QXZ${await answer("QXZ")}` }]);
    expect(await short("QXZ", { maxLength: 9 })).toEqual([{ generatedText: `QXZ${await answer("QXZ")}` }]);
    await short("QXZ", { stopSequence: "Q" });
  });

  test("are checked at once", async () => {
    const refused = (options: object, message: string) =>
      expect(pipeline("text-generation", { model, tokenizer, ...options })).rejects.toThrow(message);
    await refused({ maxNewTokens: "4" }, "`maxNewTokens`");
    await refused({ batchSize: 0 }, "`batchSize`");
    await refused({ prefix: 1 }, "`prefix`");
    await refused({ max_new_tokens: 4 }, "its name here is `maxNewTokens`");
    await refused({ inputIds: [[1]] }, "a pipeline takes text");
    await refused({ dtype: "float32" }, "this one is loaded");
  });
});

test("types follow flags and inputs that are not known in advance", async () => {
  const flag: boolean = [true].includes(true);
  const [tensors] = await pipe("QXZ", { ...greedy, returnTensors: flag });
  expectTypeOf(tensors).toEqualTypeOf<TextOutput | TokenOutput>();
  expect(tensors).toHaveProperty("generatedTokenIds");
  const [full] = await pipe(chat, { ...greedy, returnFullText: flag });
  expectTypeOf(full).toEqualTypeOf<TextOutput | ChatOutput<(typeof chat)[number]>>();
  const input = (flag ? "QXZ" : ["QXZ"]) as string | string[];
  const either = await pipe(input, greedy);
  expectTypeOf(either).toEqualTypeOf<Answers<TextOutput> | Answers<TextOutput>[]>();
  expect(either).toEqual(await pipe("QXZ", greedy));
});

test("messages of an interface of one's own", async () => {
  interface Message {
    role: string;
    content: string;
  }
  const messages: Message[] = [{ role: "user", content: "Q!" }];
  expect(await pipe(messages, greedy)).toEqual(await pipe(chat, greedy));
  expect(pipe.tokenizer.applyChatTemplate(messages, { tokenize: false })).toBe("[u]Q!;");
  expect(pipe.tokenizer.applyChatTemplate([messages], { tokenize: false })).toEqual(["[u]Q!;"]);
});
