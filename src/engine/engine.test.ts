import { describe, expect, it } from "vitest";
import { FakeSession, type FakeSessionOptions, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { forkingDecoder, greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import type { Limits } from "../backends/backend.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { Request, RequestEvent } from "./request.ts";

function setUp(limits: Partial<Limits> & { pool?: number } = {}, options: FakeSessionOptions = {}, model = fakeModel()) {
  const { pool = 64, ...rest } = limits;
  const all = fakeLimits(model, pool, rest);
  const session = new FakeSession(model, all, options);
  const reports: StepReport[] = [];
  const engine = new Engine({
    model,
    session,
    limits: all,
    onStep: (report) => {
      reports.push(report);
      engine.checkIntegrity();
    },
  });
  return { engine, session, reports };
}

function greedy(tokens: number[], maxLength: number, more: Partial<Request> = {}): Request {
  return { sequences: [{ tokens }], decoder: greedyDecoder(maxLength), maxLength, ...more };
}

function prompt(length: number, first = 1): number[] {
  return Array.from({ length }, (_, index) => (first + index * 7) % 61);
}

async function alone(tokens: number[], maxLength: number): Promise<number[]> {
  const { engine } = setUp();
  const { sequences } = await engine.submit(greedy(tokens, maxLength)).result;
  await engine.dispose();
  return sequences[0]?.tokens as number[];
}

function usedBlocks(engine: Engine): number {
  return Object.values(engine.statistics().blocks).reduce((sum, { used }) => sum + used, 0);
}

describe("Engine", () => {
  it("serves 50 prompts with 8 sequences at a time in one run, each as alone", async () => {
    const { engine, reports } = setUp({ maxSequences: 8, maxTokens: 24 });
    const prompts = Array.from({ length: 50 }, (_, index) => prompt(1 + ((index * 5) % 17), index));
    const results = await Promise.all(prompts.map((tokens) => engine.submit(greedy(tokens, tokens.length + 6)).result));
    for (const [index, { sequences }] of results.entries()) {
      const tokens = prompts[index] as number[];
      expect(sequences[0]?.tokens).toEqual(await alone(tokens, tokens.length + 6));
      expect(sequences[0]?.finishReason).toBe("length");
    }
    expect(Math.max(...reports.map(({ sequences }) => sequences))).toBe(8);
    expect(engine.statistics()).toMatchObject({ running: 0, waiting: 0 });
    expect(usedBlocks(engine)).toBe(0);
  });

  it("cuts a long prompt into chunks while others decode", async () => {
    const { engine, reports } = setUp({ maxTokens: 8 });
    const short = engine.submit(greedy([3, 4], 20));
    const long = engine.submit(greedy(prompt(40), 43));
    expect((await long.result).sequences[0]?.tokens).toEqual(await alone(prompt(40), 43));
    expect((await short.result).sequences[0]?.tokens).toEqual(await alone([3, 4], 20));
    // 18 tokens of the short one: it never missed a step while the long one was read, at most seven tokens at a time.
    expect(reports.slice(0, 18).every(({ logitRows, tokens }) => logitRows >= 1 && tokens <= 8)).toBe(true);
    expect(reports.slice(1, 5).map(({ tokens, sequences }) => [tokens, sequences])).toEqual(Array(4).fill([8, 2]));
  });

  it("emits every token, in order, and says with the last one why it ended", async () => {
    const { engine } = setUp();
    const heard: RequestEvent[] = [];
    const tokens = await alone([5, 6, 7], 8);
    await engine.submit(greedy([5, 6, 7], 8, { onTokens: (events) => heard.push(...events) })).result;
    expect(heard.map(({ token }) => token)).toEqual(tokens.slice(3));
    expect(heard.map(({ finish }) => finish)).toEqual([undefined, undefined, undefined, undefined, "length"]);
    const eos = tokens[5] as number;
    const { sequences } = await engine.submit({ sequences: [{ tokens: [5, 6, 7] }], decoder: greedyDecoder(30, [eos]) }).result;
    expect(sequences[0]).toMatchObject({ tokens: tokens.slice(0, tokens.indexOf(eos, 3) + 1), finishReason: "eos" });
  });

  it("preempts the request admitted last when blocks run out, and still answers both", async () => {
    const { engine, reports } = setUp({ pool: 6 });
    const first = engine.submit(greedy(prompt(8), 24));
    const second = engine.submit(greedy(prompt(8, 2), 24));
    expect((await first.result).sequences[0]?.tokens).toEqual(await alone(prompt(8), 24));
    expect((await second.result).sequences[0]?.tokens).toEqual(await alone(prompt(8, 2), 24));
    expect(reports.reduce((sum, { preempted }) => sum + preempted, 0)).toBeGreaterThan(0);
    expect(usedBlocks(engine)).toBe(0);
  });

  it("admits by priority, then by arrival", async () => {
    const { engine } = setUp({ maxSequences: 1 });
    const order: number[] = [];
    const requests = [0, 1, 0, 1].map((priority, index) =>
      engine.submit(greedy([index + 1], 3, { priority, onTokens: ([event]) => void (event?.finish && order.push(index)) })),
    );
    await Promise.all(requests.map(({ result }) => result));
    expect(order).toEqual([1, 3, 0, 2]);
  });

  it("steps a gang together: prompts of different lengths are picked in one step", async () => {
    const { engine, reports } = setUp({ maxTokens: 8 });
    const decoder = greedyDecoder(40);
    const asked: number[][] = [];
    const { sequences } = await engine.submit({
      sequences: [{ tokens: prompt(3) }, { tokens: prompt(30) }, { tokens: prompt(9) }],
      decoder: {
        groups: (live) => {
          asked.push(live.map(({ tokens, computed }) => tokens.length - computed));
          return decoder.groups(live);
        },
        next: (picks, live) => decoder.next(picks, live),
      },
    }).result;
    expect(sequences.map(({ tokens }) => tokens)).toEqual([
      await alone(prompt(3), 40),
      await alone(prompt(30), 40),
      await alone(prompt(9), 40),
    ]);
    expect(reports.every(({ logitRows, sequences: count }) => logitRows === 0 || logitRows === count)).toBe(true);
    expect(asked.length).toBe(37);
  });

  it("forks copy-on-write: beams give the same answer in any pool that can hold them", async () => {
    const run = async (pool: number, neighbours: number) => {
      const { engine, reports } = setUp({ pool, maxTokens: 16 });
      const others = Array.from({ length: neighbours }, (_, index) => engine.submit(greedy(prompt(6, index), 20)).result);
      const { result } = engine.submit({
        sequences: [{ tokens: prompt(7) }],
        decoder: forkingDecoder(18, 3),
        gangSize: 3,
        maxLength: 18,
      });
      const { sequences } = await result;
      await Promise.all(others);
      expect(usedBlocks(engine)).toBe(0);
      expect(reports.reduce((sum, { copies }) => sum + copies, 0)).toBeGreaterThan(0);
      return sequences;
    };
    const plenty = await run(64, 0);
    expect(plenty.filter(({ dropped }) => !dropped).length).toBe(3);
    expect(plenty.filter(({ dropped }) => dropped).length).toBeGreaterThan(0);
    expect(await run(15, 4)).toEqual(plenty);
  });

  it("needs no block more for beams than for as many sequences", async () => {
    // Three beams of at most four computed tokens, one block each: the last to write into the shared block keeps it.
    const { engine } = setUp({ pool: 3 });
    const decoder = forkingDecoder(5, 3);
    const { sequences } = await engine.submit({ sequences: [{ tokens: prompt(2) }], decoder, gangSize: 3, maxLength: 5 })
      .result;
    expect(sequences.filter(({ dropped }) => !dropped).map(({ tokens }) => tokens.length)).toEqual([5, 5, 5]);
  });
});

describe("Engine: ends", () => {
  it("refuses at submit what can never be served", async () => {
    const { engine } = setUp({ pool: 4, maxSequences: 2, maxTokens: 8 });
    const tooLarge = expect.objectContaining({ code: "request_too_large" });
    expect(() => engine.submit(greedy(prompt(17), 18))).toThrow(tooLarge);
    expect(() => engine.submit(greedy(prompt(4), 18))).toThrow(
      "17 tokens of room in the KV cache (prompt and new tokens), but the engine has 16",
    );
    expect(() => engine.submit(greedy(prompt(4), 18))).toThrow(
      "set `maxNewTokens: 13` at most, or load the model with `contextTokens: 18`",
    );
    expect(() => engine.submit(greedy([1], 3, { gangSize: 3 }))).toThrow("3 sequences at once, but the engine has 2");
    expect(() => engine.submit(greedy([], 3))).toThrow(expect.objectContaining({ code: "invalid_input" }));
    expect(() => engine.submit(greedy([61], 3))).toThrow("A token id must be an integer from 0 to 60. Given: 61");
    expect((await engine.submit(greedy(prompt(4), 17)).result).sequences[0]?.tokens.length).toBe(17);
  });

  it("fails with cache_full a request that outgrows the pool alone, and serves the next", async () => {
    const { engine } = setUp({ pool: 4 });
    const endless = engine.submit({ sequences: [{ tokens: [1] }], decoder: greedyDecoder(1000) });
    await expect(endless.result).rejects.toMatchObject({ code: "cache_full" });
    expect(usedBlocks(engine)).toBe(0);
    expect((await engine.submit(greedy([1], 5)).result).sequences[0]?.finishReason).toBe("length");
  });

  it("aborts a request that waits, one in flight, and does nothing to one that ended", async () => {
    const { engine } = setUp({ maxSequences: 1 });
    const controller = new AbortController();
    let heard = 0;
    const running = engine.submit(
      greedy([1, 2], 100, {
        signal: controller.signal,
        onTokens: () => {
          heard += 1;
          if (heard === 3) setImmediate(abortInFlight);
        },
      }),
    );
    const waiting = engine.submit(greedy([3], 100));
    function abortInFlight(): void {
      controller.abort();
      expect(usedBlocks(engine)).toBe(0);
    }
    waiting.abort();
    expect((await waiting.result).sequences[0]).toMatchObject({ tokens: [3], finishReason: "abort" });
    const { sequences } = await running.result;
    expect(sequences[0]?.finishReason).toBe("abort");
    expect(sequences[0]?.tokens.length).toBe(2 + heard);
    running.abort();
    const done = await engine.submit(greedy([1], 3, { signal: AbortSignal.abort() })).result;
    expect(done.sequences[0]).toMatchObject({ tokens: [1], finishReason: "abort" });
    expect(engine.statistics()).toMatchObject({ running: 0, waiting: 0 });
  });

  it("takes its listener off the signal when a request ends", async () => {
    const { engine } = setUp();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parameters: Parameters<typeof add>) => {
      listeners += 1;
      add(...parameters);
    };
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...parameters);
    };
    const request = engine.submit(greedy([1], 3, { signal }));
    expect(listeners).toBe(1);
    await request.result;
    expect(listeners).toBe(0);
  });

  it("ends at the deadline: the token of the step stays, and says why", async () => {
    let time = 0;
    const model = fakeModel();
    const limits = fakeLimits(model, 64, { maxSequences: 1 });
    const session = new FakeSession(model, limits, { beforeStep: () => (time += 10) });
    const engine = new Engine({ model, session, limits, now: () => time });
    const heard: RequestEvent[] = [];
    const timed = engine.submit(greedy([1, 2], 100, { deadline: 25, onTokens: (events) => heard.push(...events) }));
    const waiting = engine.submit(greedy([3], 100, { deadline: 15 }));
    const { sequences, timings } = await timed.result;
    expect(sequences[0]).toMatchObject({ finishReason: "time" });
    expect(sequences[0]?.tokens.length).toBe(5);
    expect(heard.map(({ finish }) => finish)).toEqual([undefined, undefined, "time"]);
    expect(timings).toEqual({ submitted: 0, started: 0, firstToken: 10, finished: 30 });
    expect((await waiting.result).sequences[0]).toMatchObject({ tokens: [3], finishReason: "time" });
    const late = await engine.submit(greedy([3], 100, { deadline: 30 })).result;
    expect(late.sequences[0]).toMatchObject({ tokens: [3], finishReason: "time" });
  });

  it("stops where the model has no more positions", async () => {
    const { engine } = setUp({}, {}, fakeModel({ maxPositions: 10 }));
    const { sequences } = await engine.submit({ sequences: [{ tokens: prompt(8) }], decoder: greedyDecoder(100) }).result;
    expect(sequences[0]).toMatchObject({ finishReason: "length" });
    expect(sequences[0]?.tokens.length).toBe(11);
    expect(() => engine.submit(greedy(prompt(11), 12))).toThrow("11 positions, but the engine has 10");
  });

  it("lets an exception of a listener, a decoder, a processor or a sampling step fail its own request only", async () => {
    const { engine } = setUp();
    const fail = (): never => {
      throw new Error("mine");
    };
    const decoder = greedyDecoder(9);
    const good = engine.submit(greedy([1], 9));
    const bad = [
      engine.submit(greedy([1], 9, { onTokens: fail })),
      engine.submit(greedy([1], 9, { decoder: { ...decoder, groups: fail } })),
      engine.submit(greedy([1], 9, { decoder: { ...decoder, next: fail } })),
      engine.submit({ sequences: [{ tokens: [1], processors: { steps: () => [], accept: fail, fork: fail } }], decoder }),
      engine.submit(
        greedy([1], 9, {
          decoder: {
            ...decoder,
            groups: () => [{ rows: [0], steps: [[{ kind: "call", apply: fail }]], pick: "argmax", count: 1 }],
          },
        }),
      ),
    ];
    for (const { result } of bad) await expect(result).rejects.toThrow("mine");
    expect((await good.result).sequences[0]?.tokens).toEqual(await alone([1], 9));
    expect(usedBlocks(engine)).toBe(0);
  });

  it("refuses what a decoder may not do", async () => {
    const { engine } = setUp();
    const decoder = greedyDecoder(9);
    const rejects = async (next: Request["decoder"]["next"], message: string) =>
      expect(engine.submit(greedy([1], 9, { decoder: { ...decoder, next } })).result).rejects.toThrow(message);
    await rejects(() => [], "decided about 0 of 1 live sequences");
    await rejects(
      (_, [sequence]) =>
        sequence
          ? [
              { kind: "drop", sequence },
              { kind: "drop", sequence },
            ]
          : [],
      "decided twice about sequence 0",
    );
    await rejects(
      (_, [sequence]) =>
        sequence
          ? [
              { kind: "fork", sequence, token: 1 },
              { kind: "append", sequence, token: 1 },
            ]
          : [],
      "keeps 2 sequences live, but `gangSize` is 1",
    );
    expect(usedBlocks(engine)).toBe(0);
  });

  it("fails the running requests when the session fails, and goes on with the others", async () => {
    const { engine, session } = setUp(
      { maxSequences: 2 },
      {
        beforeStep: (step) => {
          if (step === 2) throw new Error("out of luck");
        },
      },
    );
    const requests = [1, 2, 3].map((token) => engine.submit(greedy([token], 8)));
    await expect(requests[0]?.result).rejects.toThrow("out of luck");
    await expect(requests[1]?.result).rejects.toThrow("out of luck");
    expect((await requests[2]?.result)?.sequences[0]?.tokens).toEqual(await alone([3], 8));
    expect(usedBlocks(engine)).toBe(0);
    expect(session.held.size).toBe(0);
  });

  it("lets nobody wait for ever when onStep throws, and goes on", async () => {
    const model = fakeModel();
    const limits = fakeLimits(model, 64, { maxSequences: 1 });
    let steps = 0;
    const onStep = () => {
      steps += 1;
      if (steps === 2) throw new Error("metrics are down");
    };
    const engine = new Engine({ model, session: new FakeSession(model, limits), limits, onStep });
    const requests = [engine.submit(greedy([1], 9)), engine.submit(greedy([2], 9))];
    for (const { result } of requests) await expect(result).rejects.toThrow("metrics are down");
    expect((await engine.submit(greedy([1], 9)).result).sequences[0]?.tokens).toEqual(await alone([1], 9));
  });

  it("disposes: aborts everything, waits for the step in flight, frees the session, takes no more", async () => {
    const { engine, session } = setUp({ maxSequences: 1 });
    const requests = [engine.submit(greedy([1], 50)), engine.submit(greedy([2], 50))];
    await new Promise((resolve) => setImmediate(resolve));
    const disposal = engine.dispose();
    expect(() => engine.submit(greedy([1], 3))).toThrow(expect.objectContaining({ code: "disposed" }));
    const results = await Promise.all(requests.map(({ result }) => result));
    expect(results.map(({ sequences }) => sequences[0]?.finishReason)).toEqual(["abort", "abort"]);
    await disposal;
    await engine.dispose();
    expect([session.disposed, session.held.size, usedBlocks(engine)]).toEqual([true, 0, 0]);
  });
});

describe("a request", () => {
  it("of a higher priority takes the place of one that runs, which starts again later with the same answer", async () => {
    const { engine } = setUp({ maxSequences: 1 });
    const order: string[] = [];
    let high: ReturnType<Engine["submit"]> | undefined;
    const onTokens = () => {
      order.push("low");
      high ??= engine.submit(greedy([2], 6, { priority: 1, onTokens: () => order.push("high") }));
    };
    const low = engine.submit(greedy([1], 12, { onTokens }));
    expect((await low.result).sequences[0]?.tokens).toEqual(await alone([1], 12));
    expect((await high?.result)?.sequences[0]?.tokens).toEqual(await alone([2], 6));
    expect(order).toEqual(["low", ...Array(5).fill("high"), ...Array(10).fill("low")]);
  });
});
