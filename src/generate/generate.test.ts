import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { setSeed } from "../sampling/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { AutoTokenizer } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import { TextIteratorStreamer } from "./text-iterator-streamer.ts";

// A random checkpoint of 128 tokens; ids decode with the byte-level tokenizer beside it.
const fixtures = join(import.meta.dirname, "../../test/fixtures");
let model: CausalLM;
let narrow: CausalLM;
let tokenizer: Tokenizer;
let warnings: string[] = [];

beforeAll(async () => {
  const load = (maxBatchSize: number) =>
    AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference", maxBatchSize });
  [model, narrow] = await Promise.all([load(8), load(2)]);
  tokenizer = await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers/byte-level"));
});
afterAll(() => Promise.all([model.dispose(), narrow.dispose()]));
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => {
  setWarningHandler();
  for (const { blocks, running, waiting } of [model.statistics(), narrow.statistics()]) {
    expect({ running, waiting }).toEqual({ running: 0, waiting: 0 });
    for (const { used } of Object.values(blocks)) expect(used).toBe(0);
  }
});

const failure = async (promise: Promise<unknown>): Promise<TsumugiError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!TsumugiError.isInstance(error)) throw error ?? new Error("nothing was thrown");
  return error;
};
const prompt = [1, 22, 41, 55];

describe("batches", () => {
  test("50 prompts of mixed lengths, 8 at a time, get the answers they get alone", async () => {
    const rows = Array.from({ length: 50 }, (_, i) =>
      Array.from({ length: 1 + (i % 7) }, (_, j) => 3 + ((i * 31 + j * 17) % 120)),
    );
    const width = 7;
    const inputIds = rows.map((row) => [...new Array<number>(width - row.length).fill(0), ...row]);
    const attentionMask = inputIds.map((row, i) => row.map((_, place) => (place < width - rows[i]!.length ? 0 : 1)));
    const { sequences } = await model.generate({ inputIds, attentionMask, maxNewTokens: 6 });
    for (const [i, row] of rows.entries()) {
      const alone = await narrow.generate({ inputIds: row, maxNewTokens: 6 });
      const news = sequences[i]!.slice(width);
      while (news.length > alone.sequences[0]!.length - row.length) expect(news.pop()).toBe(0);
      expect(news).toEqual(alone.sequences[0]!.slice(row.length));
    }
  });

  test("seeded sampling does not depend on how many run at once", async () => {
    const options = {
      inputIds: [prompt, [1, 5, 6, 7], [1, 9, 9, 9]],
      doSample: true,
      numReturnSequences: 3,
      maxNewTokens: 9,
      seed: 4,
    };
    const wide = await model.generate(options);
    expect(wide.sequences).toHaveLength(9);
    expect((await narrow.generate(options)).sequences).toEqual(wide.sequences);
    expect((await model.generate({ ...options, seed: 5 })).sequences).not.toEqual(wide.sequences);
  });

  test("calls on the seeded generator go on where the last ended", async () => {
    const options = { inputIds: prompt, doSample: true, maxNewTokens: 5, eosTokenId: null };
    setSeed(3);
    const pair = [await model.generate(options), await model.generate(options)];
    setSeed(3);
    const together = await Promise.all([model.generate(options), model.generate(options)]);
    expect(together).toEqual(pair);
    expect(pair[0]!.sequences).not.toEqual(pair[1]!.sequences);
  });
});

describe("ends", () => {
  test("length, eos and pads", async () => {
    const free = await model.generate({ inputIds: [prompt], maxNewTokens: 5 });
    expect(free.finishReasons).toEqual(["length"]);
    const eosTokenId = [free.sequences[0]![6]!, 2];
    const { sequences, finishReasons } = await model.generate({
      inputIds: [prompt, [1, 2, 3, 4]],
      maxNewTokens: 5,
      eosTokenId,
      padTokenId: 77,
    });
    expect(finishReasons[0]).toBe("eos");
    expect(sequences[0]).toEqual([...free.sequences[0]!.slice(0, 7), 77, 77]);
    expect(sequences[1]).toHaveLength(9);
  });

  test("stop strings, over token borders", async () => {
    const { sequences } = await model.generate({ inputIds: prompt, maxNewTokens: 12 });
    const text = tokenizer.decode(sequences[0]!.slice(7, 9));
    const stopped = await model.generate({ inputIds: prompt, maxNewTokens: 12, stopStrings: [text], tokenizer });
    expect(stopped.finishReasons).toEqual(["stop"]);
    expect(stopped.sequences[0]).toEqual(sequences[0]!.slice(0, 9));
    expect((await failure(model.generate({ inputIds: prompt, stopStrings: "x" }))).code).toBe("tokenizer_not_found");
  });

  test("maxTime", async () => {
    const { finishReasons, sequences } = await model.generate({
      inputIds: prompt,
      maxNewTokens: 240,
      maxTime: 0.03,
      eosTokenId: null,
    });
    expect(finishReasons).toEqual(["time"]);
    expect(sequences[0]!.length).toBeLessThan(244);
  });

  test("maxLength counts the prompt; a prompt that fills it is refused", async () => {
    expect((await model.generate({ inputIds: prompt, maxLength: 6 })).sequences[0]).toHaveLength(6);
    const error = await failure(model.generate({ inputIds: prompt, maxLength: 4 }));
    expect(error.message).toContain("Input length of `inputIds` is 4, but `maxLength` is set to 4.");
  });

  test("without a limit 20 new tokens and a warning; maxNewTokens wins over maxLength with one", async () => {
    expect((await model.generate({ inputIds: prompt, eosTokenId: null })).sequences[0]).toHaveLength(24);
    expect(warnings[0]).toContain("at most 20 new tokens");
    expect((await model.generate({ inputIds: prompt, maxLength: 6, maxNewTokens: 4 })).sequences[0]).toHaveLength(8);
    expect(warnings[1]).toBe("Both `maxNewTokens` (4) and `maxLength` (6) are set. `maxNewTokens` wins.");
  });
});

describe("abort", () => {
  test("rejects with what had been generated, and frees everything", async () => {
    const controller = new AbortController();
    const onToken = ({ row }: { row: number }) => {
      if (row === 2) controller.abort(new Error("enough"));
    };
    const inputIds = [prompt, prompt, prompt, prompt];
    const error = await failure(
      narrow.generate({ inputIds, maxNewTokens: 9, eosTokenId: null, signal: controller.signal, onToken }),
    );
    expect(error.code).toBe("aborted");
    expect(error.cause).toBe(controller.signal.reason);
    expect((error.details.sequences as number[][]).map((row) => row.length)).toEqual([13, 13, 5, expect.any(Number)]);
  });

  test("before the start, and while waiting for the generator", async () => {
    expect((await failure(model.generate({ inputIds: prompt, signal: AbortSignal.abort() }))).code).toBe("aborted");
    setSeed(1);
    const first = model.generate({ inputIds: prompt, doSample: true, maxNewTokens: 40, eosTokenId: null });
    const controller = new AbortController();
    const second = model.generate({ inputIds: prompt, doSample: true, signal: controller.signal });
    controller.abort();
    expect((await failure(second)).code).toBe("aborted");
    await first;
    await model.generate({ inputIds: prompt, doSample: true, maxNewTokens: 1 }); // the queue goes on
  });
});

describe("options", () => {
  test.each([
    [{ max_new_tokens: 3 }, "unknown_option"],
    [{ prompt: "text" }, "unsupported_option"],
    [{ numBeams: 2, numReturnSequences: 3 }, "conflicting_options"],
    [{ numBeams: 2, streamer: { put() {}, end() {} } }, "conflicting_options"],
    [{ numBeams: 2, earlyStopping: "always" }, "invalid_option"],
    [{ numBeams: 3, numBeamGroups: 2, diversityPenalty: 1 }, "conflicting_options"],
    [{ numBeams: 2, numBeamGroups: 2 }, "conflicting_options"],
    [{ numBeams: 9 }, "request_too_large"],
    [{ forceWordsIds: [[5]] }, "conflicting_options"],
    [{ numBeams: 2, forceWordsIds: [[[5], [5, 6]]] }, "invalid_option"],
    [{ numBeams: 2, forceWordsIds: [[128]] }, "invalid_option"],
    [{ penaltyAlpha: 0.5, topK: 4, numReturnSequences: 2 }, "conflicting_options"],
    [{ dolaLayers: "high" }, "unsupported_option"],
    [{ logitsProcessor: [1] }, "invalid_option"],
    [{ temperature: 0, doSample: true }, "invalid_option"],
    [{ seed: -1 }, "invalid_option"],
    [{ signal: {} }, "invalid_option"],
    [{ streamer: {} }, "invalid_option"],
    [{ numReturnSequences: 2 }, "conflicting_options"],
    [{ inputIds: [[128]] }, "invalid_input"],
    [{ generationConfig: { nonsense: 1 } }, "unknown_option"],
    [{ maxNewTokens: 1e7 }, "request_too_large"],
  ])("refuses %j", async (options, code) => {
    expect((await failure(model.generate({ inputIds: prompt, ...(options as object) }))).code).toBe(code);
  });

  test("an exception in a callback rejects the call, and nothing stays behind", async () => {
    const onToken = () => {
      throw new Error("mine");
    };
    await expect(model.generate({ inputIds: [prompt, prompt], maxNewTokens: 5, onToken })).rejects.toThrow("mine");
  });

  test("logits come for every step, and null behind a row's end", async () => {
    const free = await model.generate({ inputIds: [prompt], maxNewTokens: 2 });
    const options = { maxNewTokens: 3, outputLogits: true, returnDictInGenerate: true, eosTokenId: free.sequences[0]![4]! };
    const { logits, sequences } = await model.generate({ inputIds: [prompt, [1, 5, 6, 7]], ...options });
    expect(logits).toHaveLength(3);
    expect(logits!.map(([first]) => first === null)).toEqual([false, true, true]);
    const second = logits![1]![1]!;
    expect(second).toHaveLength(128);
    expect(second.indexOf(Math.max(...second))).toBe(sequences[1]![5]);
  });
});

describe("stream", () => {
  test("pieces are the whole answer, with usage and reason", async () => {
    const stream = model.stream({ inputIds: prompt, tokenizer, maxNewTokens: 10 });
    let text = "";
    for await (const piece of stream) text += piece;
    const result = await stream.result;
    const { sequences } = await model.generate({ inputIds: prompt, maxNewTokens: 10 });
    expect(result).toMatchObject({ text, tokenIds: sequences[0]!.slice(4), finishReason: "length" });
    expect(result.usage).toEqual({ promptTokens: 4, completionTokens: 10 });
    expect(text).toBe(tokenizer.decode(sequences[0]!.slice(4)));
  });

  test("leaving the loop ends the request", async () => {
    const stream = model.stream({ inputIds: prompt, tokenizer, maxNewTokens: 200, eosTokenId: null });
    for await (const _ of stream) break;
    const { finishReason, tokenIds } = await stream.result;
    expect(finishReason).toBe("abort");
    expect(tokenIds.length).toBeLessThan(200);
  });

  test("a signal ends it without an error", async () => {
    const controller = new AbortController();
    const stream = model.stream({
      inputIds: prompt,
      tokenizer,
      maxNewTokens: 200,
      eosTokenId: null,
      signal: controller.signal,
    });
    for await (const _ of stream) controller.abort();
    expect((await stream.result).finishReason).toBe("abort");
  });

  test("errors come at once for options, and through the loop for the rest", async () => {
    expect(() => model.stream({ inputIds: prompt, maxNewTokens: 0 })).toThrow("maxNewTokens");
    expect(() => model.stream({ inputIds: prompt, prompt: "x" })).toThrow("`prompt` and `inputIds`");
    await expect(model.stream({ prompt: "x" }).next()).rejects.toThrow("has no tokenizer");
  });

  test("streamers get the prompt and each token; a batch is refused", async () => {
    const puts: (number | ArrayLike<unknown>)[] = [];
    const streamer = { put: (ids: number | ArrayLike<unknown>) => puts.push(ids), end: () => puts.push(-1) };
    const { sequences } = await model.generate({ inputIds: prompt, maxNewTokens: 3, streamer });
    expect(puts).toEqual([prompt, ...sequences[0]!.slice(4).map((token) => [token]), -1]);
    expect((await failure(model.generate({ inputIds: [prompt, prompt], streamer }))).message).toContain("2 rows");
  });

  test("a failing call ends a TextIteratorStreamer", async () => {
    const streamer = new TextIteratorStreamer(tokenizer);
    const call = failure(model.generate({ inputIds: prompt, maxNewTokens: 5, streamer, signal: AbortSignal.abort() }));
    await expect(
      (async () => {
        for await (const _ of streamer);
      })(),
    ).rejects.toThrow("aborted");
    await call;
  });
});

test("after dispose() everything is refused", async () => {
  const other = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/gpt2"), { device: "reference" });
  let started = () => {};
  const start = new Promise<void>((resolve) => {
    started = resolve;
  });
  const running = failure(other.generate({ inputIds: prompt, maxNewTokens: 200, eosTokenId: null, onToken: () => started() }));
  await start;
  await other.dispose();
  await other.dispose();
  expect((await running).code).toBe("aborted");
  expect((await failure(other.generate({ inputIds: prompt }))).code).toBe("disposed");
  expect(() => other.stream({ inputIds: prompt })).toThrow("was used after dispose()");
});

test("a model with bounded positions stops at the last of them", async () => {
  const other = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/gpt2"), { device: "reference" });
  const { sequences, finishReasons } = await other.generate({
    inputIds: new Array<number>(250).fill(5),
    maxNewTokens: 50,
    eosTokenId: null,
  });
  expect(finishReasons).toEqual(["length"]);
  expect(sequences[0]).toHaveLength(257);
  await other.dispose();
});

test.each([
  [{ torchDtype: "bfloat16" }, "its name here is `dtype`"],
  [{ deviceMap: "auto" }, "its name here is `device`"],
  [{ load_in_4bit: true }, "its name here is `loadIn4bit`"],
  [{ dtype: "int2" }, '`dtype` must be one of "auto", "float32", "bfloat16", "float16", "int8", "int4". Given: "int2".'],
  [{ device: "reference", threads: 2 }, "the reference device runs on one thread"],
  [{ maxBatchSize: 0 }, "`maxBatchSize` must be a whole number of at least 1. Given: 0."],
])("fromPretrained refuses %j", async (options, message) => {
  const load = AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), options as object);
  await expect(load).rejects.toThrow(message);
});

describe("arguments that are no options", () => {
  test("a second argument of generate", async () => {
    const call = model.generate as (...given: unknown[]) => Promise<unknown>;
    const given = [{ inputIds: [[1]] }, { maxNewTokens: 1 }];
    await expect(call.call(model, ...given)).rejects.toMatchObject({ code: "invalid_input" });
  });

  test.each([[undefined], [5], [[]], [[{ role: "user" }]], [{ inputIds: [[1]] }]])("options behind %j", async (given) => {
    const said = /^The first of 2 arguments of `(generate|stream)` must be a text or a conversation/;
    expect((await failure(model.generate(given as never, { maxNewTokens: 1 }))).message).toMatch(said);
    expect(() => model.stream(given as never, { maxNewTokens: 1 })).toThrow(said);
  });

  test("no argument of stream: as an empty object", () => {
    expect(() => (model.stream as () => unknown).call(model)).not.toThrow();
  });

  test.each([[null], [5], [[1, 2, 3]], [["a text"]], [[]]])("%j", async (given) => {
    expect((await failure(model.generate(given as never))).message).toMatch(/^The options must be an object/);
    expect(() => model.stream(given as never)).toThrow("The options must be an object");
  });

  test.each([
    [{ generationConfig: 5 }, "`generationConfig` must be an object"],
    [{ tokenizer: 5 }, "Option `tokenizer` must be a tokenizer. Given: 5."],
    [{ bosTokenId: 1e9 }, "Option `bosTokenId` must be an id of the model, from 0 to 127. Given: 1000000000."],
    [{ inputIds: [1], attentionMask: "x" }, "`attentionMask` must be a row of 0 and 1 or a list of rows. Given: x."],
  ])("%j", async (options, message) => {
    expect((await failure(model.generate(options as never))).message).toContain(message);
  });

  test.each([
    [{ onProgress: 5 }, "`onProgress` must be a function"],
    [{ signal: 5 }, "`signal` must be an AbortSignal"],
    [{ token: 5 }, "`token` must be a text"],
    [{ localFilesOnly: "yes" }, "`localFilesOnly` must be true or false"],
    [null, "The options must be an object"],
  ])("fromPretrained with %j", async (options, message) => {
    const load = (object: object | null) =>
      AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), object as object);
    await expect(load(options && { device: "reference", ...options })).rejects.toThrow(message);
  });
});

test("a refused call leaves a streamer alone", async () => {
  let ends = 0;
  const streamer = { put() {}, end: () => void ends++ };
  await failure(model.generate({ inputIds: [[1], [2]], streamer }));
  await failure(model.generate({ inputIds: [[1]], maxNewTokens: 0, streamer }));
  expect(ends).toBe(0);
});

test("a stream that was left before it began ends as aborted", async () => {
  const stream = model.stream({ inputIds: prompt, tokenizer, maxNewTokens: 5 });
  await stream.return?.();
  expect(await stream.result).toMatchObject({ text: "", finishReason: "abort" });
});

test("a stream's text has no mask", () => {
  const options = { prompt: "Q", attentionMask: [1], tokenizer };
  expect(() => model.stream(options)).toThrow("`prompt` and `attentionMask` cannot be used together");
});
