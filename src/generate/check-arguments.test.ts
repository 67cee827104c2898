import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { pipeline } from "./pipeline.ts";

const call = pipeline as (...given: unknown[]) => Promise<unknown>;
let model: CausalLM;
beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", {
    device: "reference",
    contextTokens: 64,
    maxBatchSize: 2,
  });
});
afterAll(() => model.dispose());

describe("pipeline", () => {
  test.each([
    [["text-generation", "org/name"], 'must be an object: `pipeline("text-generation", { model: "org/name" })`'],
    [["text2text-generation", "org/name"], '`pipeline("text2text-generation", { model: "org/name" })`'],
    [
      [{ model: "org/name" }],
      'must be a task, with the options behind it: `pipeline("text-generation", { model: "org/name" })`',
    ],
    [[undefined, { model: "x" }], "The first argument of `pipeline` must be a task"],
    [[], "The first argument of `pipeline` must be a task"],
    [["text-generatoin"], "Did you mean `text-generation`?"],
    [["org/name"], 'A model stands among the options: `pipeline("text-generation", { model: "org/name" })`'],
    [
      ["summarization", { model: "x" }],
      "Unknown pipeline task `summarization`. Supported: text-generation, text2text-generation.",
    ],
    [["text-generation", { model: "x" }, "tokenizer"], "A further argument of `pipeline` must be absent"],
    [["text-generation", new Map([["model", "x"]])], "The options must be an object"],
  ])("%j shows the right form", async (given, message) => {
    await expect(call(...given)).rejects.toThrow(message);
  });

  test("a loaded model as its second argument belongs among the options", async () => {
    await expect(call("text-generation", model)).rejects.toThrow("{ model })`. Given: a loaded model.");
  });
});

test("what is behind the options of a call is refused, undefined is not", async () => {
  const pipe = (await pipeline("text-generation", { model })) as unknown as (...given: unknown[]) => Promise<unknown>;
  const loose = model as unknown as { generate: typeof call; stream: (...given: unknown[]) => { result: Promise<unknown> } };
  const options = { maxNewTokens: 1 };
  await expect(pipe("Hi", options, {})).rejects.toThrow("A further argument of a pipeline's call must be absent");
  await expect(loose.generate("Hi", options, {})).rejects.toThrow("A further argument of `generate` must be absent");
  expect(() => loose.stream("Hi", options, {})).toThrow("A further argument of `stream` must be absent");
  await pipe("Hi", options, undefined);
  await loose.generate("Hi", options, undefined);
});

describe("too many tokens", () => {
  test("are told in tokens, with what would fit", async () => {
    const asked = model.generate({ inputIds: [50, 60, 70], maxNewTokens: 1000 });
    await expect(asked).rejects.toMatchObject({ code: "request_too_large", details: { given: 1002, limit: 128 } });
    await expect(asked).rejects.toThrow(
      "needs 1002 tokens of room in the KV cache (prompt and new tokens), but the engine has 128. " +
        "The prompt has 3: set `maxNewTokens: 126` at most, or load the model with `contextTokens: 1003`.",
    );
  });

  test("in the prompt alone ask for a shorter one", async () => {
    const inputIds = new Array<number>(200).fill(5);
    await expect(model.generate({ inputIds, maxNewTokens: 1 })).rejects.toThrow("The prompt has 200: give a shorter one");
  });

  test("beyond every context ask for no such context, and numbers have an end", async () => {
    await expect(model.generate({ inputIds: [1], maxNewTokens: Number.MAX_SAFE_INTEGER })).rejects.toThrow("with more room");
    await expect(model.generate({ inputIds: [1], maxNewTokens: 2 ** 53 })).rejects.toThrow(
      "`maxNewTokens` must be a whole number of at least 1, and at most 9007199254740991. Given: 9007199254740992.",
    );
  });
});

class Settings {
  bias = 1;
}

test.each([
  ["watermarkingConfig", new Map([["bias", 2]])],
  ["watermarkingConfig", new Date(0)],
  ["watermarkingConfig", new Settings()],
  ["dry", new Set([1])],
  ["xtc", /x/],
  ["mirostat", Promise.resolve()],
  ["logitBias", new Map([[1, 2]])],
  ["generationConfig", new Date(0)],
  ["generationConfig", new Settings()],
])("%s takes plain objects only", async (option, value) => {
  const refused = model.generate({ inputIds: [1], maxNewTokens: 1, doSample: true, [option]: value } as never);
  await expect(refused).rejects.toThrow(new RegExp(`\`${option}\` must be an object`));
});

test("token ids come in arrays of numbers, not in bytes", async () => {
  const { sequences } = await model.generate({ inputIds: BigInt64Array.of(1n, 2n), maxNewTokens: 1 });
  expect(sequences[0]).toHaveLength(3);
  await expect(model.generate({ inputIds: new DataView(new ArrayBuffer(8)) as never })).rejects.toThrow("`inputIds` must be");
});
