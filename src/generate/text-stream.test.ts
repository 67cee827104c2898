import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Tokenizer } from "../tokenizer/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { AutoTokenizer } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import { TextIteratorStreamer } from "./text-iterator-streamer.ts";
import { createTextStream } from "./text-stream.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
let model: CausalLM;
let tokenizer: Tokenizer;

beforeAll(async () => {
  model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference", maxBatchSize: 4 });
  tokenizer = await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers/byte-level"));
});
afterAll(() => model.dispose());
afterEach(() => {
  const { running, waiting, blocks } = model.statistics();
  expect({ running, waiting }).toEqual({ running: 0, waiting: 0 });
  for (const { used } of Object.values(blocks)) expect(used).toBe(0);
});

const inputIds = [1, 22, 41, 55];
const done = { done: true, value: undefined };
const open = (maxNewTokens: number) => model.stream({ inputIds, tokenizer, maxNewTokens, eosTokenId: null });
const textOf = (results: readonly IteratorResult<string>[]) => results.map(({ value }) => value ?? "").join("");

describe("several next() at once", () => {
  test("get the pieces of a model's stream in order, and all of them settle", async () => {
    const stream = open(5);
    const results = await Promise.all(Array.from({ length: 9 }, () => stream.next()));
    expect(textOf(results)).toBe((await stream.result).text);
    const ends = results.map((result) => result.done === true);
    expect(ends).toEqual(ends.slice().sort());
    expect(await stream.next()).toEqual(done);
  });

  test("get the pieces of an iterator streamer in order, and all of them settle", async () => {
    const streamer = new TextIteratorStreamer(tokenizer, { skipPrompt: true });
    const early = Array.from({ length: 9 }, () => streamer.next());
    const { sequences } = await model.generate({ inputIds, maxNewTokens: 5, eosTokenId: null, streamer });
    const results = await Promise.all(early);
    expect(textOf(results)).toBe(tokenizer.decode(sequences[0]!.slice(4)));
    // behind the end, which all have heard, nothing is waited for that nobody has begun
    expect(await Promise.all([streamer.next(), streamer.next()])).toEqual([done, done]);
  });

  test("hear of a failure once", async () => {
    const failing = createTextStream(async (push) => {
      push("a");
      throw new Error("broken");
    });
    const [first, second, third] = await Promise.allSettled([failing.next(), failing.next(), failing.next()]);
    expect(first).toMatchObject({ status: "fulfilled", value: { done: false, value: "a" } });
    expect(second).toMatchObject({ status: "rejected", reason: new Error("broken") });
    expect(third).toMatchObject({ status: "fulfilled", value: done });
    await expect(failing.result).rejects.toThrow("broken");
  });
});

describe("leaving", () => {
  test.each(["return", "throw"] as const)("%s() while others wait ends them, and frees the request", async (way) => {
    const stream = open(200);
    expect(await stream.next()).toMatchObject({ done: false });
    const waiting = [stream.next(), stream.next()];
    const left = stream[way]!(new Error("enough"));
    if (way === "throw") await expect(left).rejects.toThrow("enough");
    else expect(await left).toEqual(done);
    expect((await Promise.all(waiting)).at(-1)).toEqual(done);
    expect((await stream.result).finishReason).toBe("abort");
    expect(await stream.next()).toEqual(done);
    expect(await stream[Symbol.asyncIterator]().next()).toEqual(done);
  });

  test("before the first next() starts nothing", async () => {
    let starts = 0;
    const stream = createTextStream(async (_, stop) => {
      starts++;
      return stop.aborted;
    });
    await stream.return!();
    expect(await stream.next()).toEqual(done);
    expect(starts).toBe(0);
    expect(await stream.result).toBe(true); // who asks for the result gets it
  });

  test("throws away what comes later, and does not wait for pieces", async () => {
    let finish = () => {};
    const stream = createTextStream(async (push) => {
      await new Promise<void>((resolve) => (finish = resolve));
      push("late");
      return "ended";
    });
    const waiting = stream.next();
    const left = stream.return!();
    expect(await waiting).toEqual(done);
    finish();
    await left;
    expect(await stream.next()).toEqual(done);
    expect(await stream.result).toBe("ended");
  });

  test("a second loop over a stream that was read gets nothing", async () => {
    const stream = open(3);
    const rounds: number[] = [];
    for (let round = 0; round < 2; round++) {
      let pieces = 0;
      for await (const _ of stream) pieces++;
      rounds.push(pieces);
    }
    expect(rounds[0]).toBeGreaterThan(0);
    expect(rounds[1]).toBe(0);
  });
});

test("what a producer throws at once is a rejection, and it is not started again", async () => {
  let starts = 0;
  const stream = createTextStream((): Promise<string> => {
    starts++;
    throw new Error("too early");
  });
  await expect(stream.next()).rejects.toThrow("too early");
  expect(await stream.next()).toEqual(done);
  await expect(stream.result).rejects.toThrow("too early");
  expect(starts).toBe(1);
});

describe("an iterator streamer", () => {
  test("keeps the answers of several calls apart", async () => {
    const streamer = new TextIteratorStreamer(tokenizer, { skipPrompt: true });
    const texts: string[] = [];
    for (const seed of [1, 2]) {
      const { sequences } = await model.generate({
        inputIds,
        maxNewTokens: 4,
        doSample: true,
        eosTokenId: null,
        seed,
        streamer,
      });
      texts.push(tokenizer.decode(sequences[0]!.slice(4)));
    }
    for (const text of texts) {
      let read = "";
      for await (const piece of streamer) read += piece;
      expect(read).toBe(text);
    }
  });

  test("forgets a failure that nobody has read when the next call begins", async () => {
    const streamer = new TextIteratorStreamer(tokenizer, { skipPrompt: true });
    await expect(model.generate({ inputIds, maxNewTokens: 0, streamer })).rejects.toThrow("maxNewTokens");
    const call = model.generate({ inputIds, maxNewTokens: 3, eosTokenId: null, streamer });
    let read = "";
    for await (const piece of streamer) read += piece;
    expect(read).toBe(tokenizer.decode((await call).sequences[0]!.slice(4)));
  });

  test("tells a failure to one reader, and the end to the others", async () => {
    const streamer = new TextIteratorStreamer(tokenizer);
    const readers = [streamer.next(), streamer.next()];
    streamer.fail(new Error("broken"));
    await expect(readers[0]).rejects.toThrow("broken");
    expect(await readers[1]).toEqual(done);
  });

  test("a reader whose time is over leaves the others in their order", async () => {
    const streamer = new TextIteratorStreamer(tokenizer, { timeout: 20 });
    const patient = await Promise.allSettled([streamer.next(), streamer.next()]);
    for (const reader of patient) expect(reader).toMatchObject({ status: "rejected", reason: { code: "stream_timeout" } });
    const next = streamer.next();
    streamer.put([inputIds]);
    streamer.end();
    expect(await next).toEqual({ done: false, value: tokenizer.decode(inputIds) });
  });

  test("an end that is told twice is one end", async () => {
    const streamer = new TextIteratorStreamer(tokenizer);
    streamer.put([inputIds]);
    streamer.end();
    streamer.end();
    expect(await streamer.next()).toMatchObject({ done: false });
    expect(await streamer.next()).toEqual(done);
    streamer.put([inputIds]);
    expect(await streamer.next()).toMatchObject({ done: false });
  });
});
