import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { filesInMemory } from "../hub/memory-files.ts";
import { setWarningHandler, warn } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { AutoTokenizer } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { loadFromFiles } from "./load-from-files.ts";
import { pipeline } from "./pipeline.ts";
import { TextStreamer } from "./text-streamer.ts";

// A rejection that nobody handles fails the whole run of these tests, wherever it comes from.

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const folder = join(fixtures, "models/llama");
let model: CausalLM;

beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained(folder, { device: "reference", maxBatchSize: 4 });
});
afterAll(() => model.dispose());
afterEach(() => {
  setWarningHandler();
  const { running, waiting, blocks } = model.statistics();
  expect({ running, waiting }).toEqual({ running: 0, waiting: 0 });
  for (const { used } of Object.values(blocks)) expect(used).toBe(0);
});

const inputIds = [1, 22, 41, 55];
const mine = new Error("mine");
const late = () => new Promise<never>((_, reject) => setTimeout(() => reject(mine), 1));
const atOnce = () => Promise.reject(mine);
const thrown = (): never => {
  throw mine;
};
const generate = (options: GenerateOptions) => model.generate({ inputIds, maxNewTokens: 6, eosTokenId: null, ...options });

test.each([
  ["throws", thrown],
  ["rejects at once", atOnce],
  ["rejects later", late],
])("a callback that %s rejects the call with its own error", async (_, fails) => {
  const calls: GenerateOptions[] = [
    { onToken: fails },
    { onToken: fails, numBeams: 2 },
    { streamer: { put: fails, end() {} } },
    { streamer: { put() {}, end: fails } },
    { streamer: { put: fails, end: fails } },
  ];
  for (const options of calls) await expect(generate(options)).rejects.toBe(mine);
  await expect(model.generate({ inputIds: [inputIds, inputIds], maxNewTokens: 3, onToken: fails })).rejects.toBe(mine);
});

test("one call that a callback fails leaves its neighbours alone", async () => {
  const alone = await generate({});
  const [failed, other] = await Promise.allSettled([generate({ onToken: atOnce }), generate({})]);
  expect(failed).toMatchObject({ status: "rejected", reason: mine });
  expect(other).toMatchObject({ status: "fulfilled", value: { sequences: alone.sequences } });
});

test("a call waits for the promises of its callbacks", async () => {
  let settled = 0;
  const onToken = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    settled++;
  };
  await generate({ onToken });
  expect(settled).toBe(6);
  const streamer = { put: onToken, end: onToken };
  settled = 0;
  await generate({ streamer });
  expect(settled).toBe(8); // the prompt, six tokens, the end
});

test("a rejected promise ends the work, which goes on for no more tokens than are under way", async () => {
  let tokens = 0;
  const onToken = (): Promise<void> => {
    tokens++;
    return atOnce();
  };
  await expect(generate({ onToken, maxNewTokens: 200 })).rejects.toBe(mine);
  expect(tokens).toBeLessThan(10);
});

test.each([
  ["stoppingCriteria", { stoppingCriteria: [async () => false] }],
  ["stoppingCriteria", { stoppingCriteria: [() => false, atOnce] }],
  ["logitsProcessor", { logitsProcessor: [async () => {}] }],
  ["logitsProcessor", { logitsProcessor: [{ process: atOnce }] }],
  ["prefixAllowedTokensFn", { prefixAllowedTokensFn: async () => [1] }],
  ["prefixAllowedTokensFn", { prefixAllowedTokensFn: atOnce }],
])("an async function as %s is refused by name", async (option, options) => {
  const error = await generate(options as never).then(undefined, (reason: unknown) => reason);
  expect(error).toMatchObject({ code: "invalid_option", details: { option } });
  expect(String(error)).toContain("Given: a promise.");
});

test.each([{ stoppingCriteria: [thrown] }, { logitsProcessor: [thrown] }, { prefixAllowedTokensFn: thrown }])(
  "what a function throws that decoding asks rejects the call: %j",
  async (options) => {
    await expect(generate(options)).rejects.toBe(mine);
    await expect(generate({ ...options, numBeams: 2 })).rejects.toBe(mine);
  },
);

test("streams and pipelines pass the failures of callbacks on", async () => {
  const tokenizer = await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers/byte-level"));
  const stream = model.stream({ inputIds, tokenizer, maxNewTokens: 6, eosTokenId: null, onToken: atOnce });
  await expect(stream.result).rejects.toBe(mine);
  const streamer = new TextStreamer(tokenizer, { flush: "character", onText: atOnce });
  await expect(generate({ streamer })).rejects.toBe(mine);
  const pipe = await pipeline("text-generation", { model: "tsumugi-mini", device: "reference" });
  await expect(pipe("Hello", { maxNewTokens: 4, onToken: atOnce })).rejects.toBe(mine);
  await expect(pipe(["Hello", "you"], { maxNewTokens: 4, streamer: { put: late, end() {} } })).rejects.toBe(mine);
  await pipe.dispose();
});

test("a streamer needs both put and end", async () => {
  await expect(generate({ streamer: { put() {} } as never })).rejects.toThrow(
    "`streamer` must be an object with put() and end()",
  );
});

test.each([thrown, atOnce, late])("progress that fails rejects the loading", async (onProgress) => {
  await expect(AutoModelForCausalLM.fromPretrained(folder, { device: "reference", onProgress })).rejects.toBe(mine);
});

test("progress that fails rejects the loading from files in memory", async () => {
  const files = filesInMemory({
    "config.json": await readFile(join(folder, "config.json")),
    "model.safetensors": await readFile(join(folder, "model.safetensors")),
  });
  await expect(loadFromFiles(files, { onProgress: late })).rejects.toBe(mine);
});

test("a warning is not lost with the async handler that fails", async () => {
  const shown: unknown[] = [];
  const { warn: original } = console;
  console.warn = (text) => void shown.push(text);
  try {
    setWarningHandler(atOnce);
    warn("mind the gap");
    await new Promise((resolve) => setTimeout(resolve, 1));
  } finally {
    console.warn = original;
  }
  expect(shown).toEqual(["tsumugi: mind the gap"]);
});
