import { describe, expect, it, vi } from "vitest";
import { FakeSession, type FakeSessionOptions, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { forkingDecoder, greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import type { Limits } from "../backends/backend.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { Drafter, Request, Sequence } from "./request.ts";

function setUp(limits: Partial<Limits> = {}, model = fakeModel(), options: FakeSessionOptions = {}) {
  const all = fakeLimits(model, 64, { maxLogitRows: 40, ...limits });
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

async function answer(tokens: number[], maxLength: number, model = fakeModel()): Promise<number[]> {
  const { engine } = setUp({}, model);
  const { sequences } = await engine.submit({ sequences: [{ tokens }], decoder: greedyDecoder(maxLength) }).result;
  return sequences[0]?.tokens ?? [];
}

/** Drafts of a known answer. */
function from(
  truth: readonly number[],
  change: (draft: number[]) => readonly number[] | Promise<readonly number[]> = (d) => d,
) {
  const asked: { tokens: number; most: number }[] = [];
  const judged: [number, number][] = [];
  const ended: number[] = [];
  const drafter: Drafter = {
    draft({ tokens }, most) {
      asked.push({ tokens: tokens.length, most });
      return change(truth.slice(tokens.length, tokens.length + 5));
    },
    judge: (_, drafted, accepted) => judged.push([drafted, accepted]),
    end: ({ index }) => ended.push(index),
  };
  return { drafter, asked, judged, ended };
}

const row = (tokens: number[], maxLength: number, more: Partial<Request> = {}): Request => ({
  sequences: [{ tokens }],
  decoder: greedyDecoder(maxLength),
  maxLength,
  ...more,
});

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe("drafts", () => {
  it("one step picks a draft that is right and the token behind it; events come one by one", async () => {
    const truth = await answer([1, 2], 20);
    const { drafter, judged, ended } = from(truth);
    const { engine, reports } = setUp();
    const events: number[] = [];
    const request = row([1, 2], 20, { drafter, onTokens: (step) => events.push(...step.map(({ token }) => token)) });
    const { sequences } = await engine.submit(request).result;
    expect(sequences[0]?.tokens).toEqual(truth);
    expect(events).toEqual(truth.slice(2));
    await turns(1);
    // 18 tokens: one, then three times six (the last draft is cut, so that one token is left to pick).
    expect(reports.map(({ drafted, accepted, logitRows }) => [drafted, accepted, logitRows])).toEqual([
      [0, 0, 1],
      [5, 5, 6],
      [5, 5, 6],
      [4, 4, 5],
    ]);
    expect(judged).toEqual([
      [5, 5],
      [5, 5],
      [4, 4],
    ]);
    expect(ended).toEqual([0]);
  });

  it("is kept up to the first token that differs", async () => {
    const truth = await answer([1, 2], 12);
    const { drafter, judged } = from(truth, (draft) => draft.map((token, index) => (index === 2 ? (token + 1) % 61 : token)));
    const { engine } = setUp();
    expect((await engine.submit(row([1, 2], 12, { drafter })).result).sequences[0]?.tokens).toEqual(truth);
    expect(judged.slice(0, 2)).toEqual([
      [5, 2],
      [5, 2],
    ]);
  });

  it("a row that ends inside its draft ends there", async () => {
    const truth = await answer([1, 2], 20);
    const eos = truth[6] as number;
    const { drafter, judged } = from(truth);
    const { engine } = setUp();
    const request = { sequences: [{ tokens: [1, 2] }], decoder: greedyDecoder(20, [eos]), drafter };
    const { sequences } = await engine.submit(request).result;
    expect(sequences[0]?.tokens).toEqual(truth.slice(0, truth.indexOf(eos, 2) + 1));
    expect(sequences[0]?.finishReason).toBe("eos");
    expect(judged).toEqual([[5, truth.indexOf(eos, 2) - 2]]);
  });

  it("the last draft is judged before its row ends", async () => {
    const truth = await answer([1, 2], 9);
    const log: string[] = [];
    const drafter: Drafter = {
      draft: ({ tokens }) => truth.slice(tokens.length),
      judge: (_, drafted, accepted) => log.push(`judge ${drafted} ${accepted}`),
      end: () => log.push("end"),
    };
    const { engine } = setUp();
    await engine.submit(row([1, 2], 9, { drafter })).result;
    expect(log).toEqual(["judge 5 5", "end"]);
    // A listener that throws ends it too.
    log.length = 0;
    const onTokens: Request["onTokens"] = (events) => {
      if (events.some(({ finish }) => finish)) throw new Error("mine");
    };
    await expect(engine.submit(row([1, 2], 9, { drafter, onTokens })).result).rejects.toThrow("mine");
    expect(log).toEqual(["judge 5 5", "end"]);
  });

  it("drafts take what a step has left, and no more than there are logit rows, tokens and positions", async () => {
    const truth = await answer([1], 30);
    const { drafter, asked } = from(truth);
    const { engine, reports } = setUp({ maxSequences: 3, maxLogitRows: 5 });
    const others = [2, 3].map((token) => engine.submit(row([token], 30)).result);
    expect((await engine.submit(row([1], 30, { drafter })).result).sequences[0]?.tokens).toEqual(truth);
    for (const [index, result] of others.entries()) {
      expect((await result).sequences[0]?.tokens).toEqual(await answer([2 + index], 30));
    }
    // The neighbours got a token in each step; so the run is as long as theirs.
    expect(reports.length).toBe(29);
    expect(Math.max(...reports.map(({ logitRows }) => logitRows))).toBe(5);
    expect(asked[0]?.most).toBe(2);

    const bounded = fakeModel({ maxPositions: 9 });
    const short = from(await answer([1], 10, bounded));
    const { engine: small } = setUp({}, bounded);
    const { sequences } = await small.submit(row([1], 50, { drafter: short.drafter, maxLength: undefined })).result;
    expect(sequences[0]).toMatchObject({ tokens: await answer([1], 10, bounded), finishReason: "length" });
    expect(short.asked[0]).toEqual({ tokens: 2, most: 7 });
  });

  it("a slot goes back to what it was when a draft is rejected; the next step has no draft", async () => {
    const model = fakeModel({ windows: ["slot", 5] });
    const truth = await answer([1, 2, 3], 40, model);
    const { drafter, judged } = from(truth, (draft) => [...draft.slice(0, 2), 60, 60]);
    const { engine, reports } = setUp({}, model);
    expect((await engine.submit(row([1, 2, 3], 40, { drafter })).result).sequences[0]?.tokens).toEqual(truth);
    expect(judged[0]?.[1]).toBe(2);
    // One draft of four: two tokens and the third as it should be; then three tokens at once, and the next one.
    expect(reports.slice(1, 4).map(({ tokens, drafted, copies }) => [tokens, drafted, copies])).toEqual([
      [5, 4, 1],
      [4, 0, 0],
      [5, 4, 1],
    ]);
    expect(engine.statistics().blocks).toMatchObject({ state0: { used: 0 }, state1: { used: 0 } });
  });

  it("a gang's rows are each kept as far as their own draft holds", async () => {
    const prompts = [[1], [2, 3], [4]];
    const truths = await Promise.all(prompts.map((tokens) => answer(tokens, 16)));
    const drafter: Drafter = {
      draft: ({ index, tokens }) => {
        const right = (truths[index] as number[]).slice(tokens.length, tokens.length + 1 + index);
        return [...right, 0, 0];
      },
    };
    const { engine } = setUp();
    const sequences = prompts.map((tokens) => ({ tokens }));
    const result = await engine.submit({ sequences, decoder: greedyDecoder(16), maxLength: 16, drafter }).result;
    expect(result.sequences.map(({ tokens }) => tokens)).toEqual(truths);
  });
});

describe("drafts that are awaited", () => {
  const never: Drafter = { draft: () => new Promise(() => {}) };

  it("hold their own request only, and nothing while nobody else runs", async () => {
    let deliver: (draft: number[]) => void = () => {};
    const truth = await answer([1], 8);
    const drafter: Drafter = {
      draft: ({ tokens }: Sequence) =>
        tokens.length > 2
          ? []
          : new Promise((resolve) => {
              deliver = resolve;
            }),
    };
    const { engine, reports } = setUp();
    const slow = engine.submit(row([1], 8, { drafter }));
    const other = await engine.submit(row([2], 12)).result;
    expect(other.sequences[0]?.tokens).toEqual(await answer([2], 12));
    const { length } = reports;
    await turns(5);
    expect(reports.length).toBe(length);
    expect(engine.statistics()).toMatchObject({ running: 1 });
    deliver(truth.slice(2, 5));
    expect((await slow.result).sequences[0]?.tokens).toEqual(truth);
    expect(reports[length]).toMatchObject({ drafted: 3, accepted: 3 });
  });

  it("end with the request: abort, deadline of a neighbour's step, dispose, and a draft that comes too late", async () => {
    const ended: number[] = [];
    const drafter: Drafter = { ...never, end: ({ index }) => ended.push(index) };
    const { engine, session } = setUp({ maxSequences: 1 });
    const first = engine.submit(row([1], 8, { drafter }));
    const waiting = engine.submit(row([2], 8));
    await turns(5);
    expect(engine.statistics()).toMatchObject({ running: 1, waiting: 1 });
    first.abort();
    // What waited for its place goes on.
    expect((await waiting.result).sequences[0]?.tokens).toEqual(await answer([2], 8));
    expect((await first.result).sequences[0]?.finishReason).toBe("abort");
    expect(ended).toEqual([0]);

    let deliver: (draft: number[]) => void = () => {};
    const late: Drafter = {
      draft: () =>
        new Promise((resolve) => {
          deliver = resolve;
        }),
    };
    const second = engine.submit(row([1], 8, { drafter: late }));
    await turns(5);
    const disposal = engine.dispose();
    expect((await second.result).sequences[0]?.finishReason).toBe("abort");
    await disposal;
    deliver([1, 2]);
    await turns(2);
    expect([session.disposed, session.held.size]).toEqual([true, 0]);
    expect(engine.statistics().blocks.state0?.used).toBe(0);
  });

  it("end at the deadline though nothing runs, and so do those behind them; the timer goes with the last of them", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let time = 0;
      const model = fakeModel();
      const limits = fakeLimits(model, 64, { maxSequences: 1, maxLogitRows: 40 });
      const engine = new Engine({ model, session: new FakeSession(model, limits), limits, now: () => time });
      const pass = async (milliseconds: number) => {
        time += milliseconds;
        vi.advanceTimersByTime(milliseconds);
        await turns(3);
      };
      const reasons: string[] = [];
      const submit = (name: string, request: Request) => {
        const handle = engine.submit(request);
        void handle.result.then(({ sequences: [end] }) => reasons.push(`${name} ${end?.finishReason} ${end?.tokens.length}`));
        return handle;
      };
      submit("held", row([1], 8, { drafter: never, deadline: 50 }));
      submit("waiting", row([2], 8, { deadline: 20 }));
      const last = submit("last", row([3], 8, { drafter: never, deadline: 90 }));
      expect(vi.getTimerCount()).toBe(0);
      await turns(5);
      expect(vi.getTimerCount()).toBe(1);
      await pass(19);
      expect(reasons).toEqual([]);
      await pass(1);
      expect(reasons).toEqual(["waiting time 1"]);
      expect(vi.getTimerCount()).toBe(1);
      await pass(30);
      expect(reasons).toEqual(["waiting time 1", "held time 2"]);
      expect([engine.statistics().running, vi.getTimerCount()]).toEqual([1, 1]);
      last.abort();
      await turns(1);
      expect(reasons[2]).toBe("last abort 2");
      expect(vi.getTimerCount()).toBe(0);
      // A deadline far beyond the longest timer, and none at all.
      for (const deadline of [1e12, Number.POSITIVE_INFINITY]) {
        const handle = submit("far", row([1], 8, { drafter: never, deadline }));
        await turns(5);
        expect(vi.getTimerCount()).toBe(deadline === 1e12 ? 1 : 0);
        await pass(1000);
        expect(engine.statistics().running).toBe(1);
        handle.abort();
      }
      submit("disposed", row([1], 8, { drafter: never, deadline: 5000 }));
      await turns(5);
      await engine.dispose();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("a request that no place is left for is told once, and may leave", async () => {
    const { engine } = setUp({ maxSequences: 1 });
    const held = engine.submit(row([1], 8, { drafter: never }));
    await turns(5);
    let told = 0;
    const waiting = engine.submit(
      row([2], 8, {
        onWait: () => {
          told += 1;
          waiting.abort();
        },
      }),
    );
    expect((await waiting.result).sequences[0]).toMatchObject({ finishReason: "abort", tokens: [2] });
    expect(told).toBe(1);
    held.abort();
    const onWait = () => {
      told += 1;
    };
    expect((await engine.submit(row([2], 8, { onWait })).result).sequences[0]?.tokens).toEqual(await answer([2], 8));
    expect(told).toBe(1);
    const other = engine.submit(row([1], 8));
    await engine.submit(row([2], 8, { onWait })).result;
    await other.result;
    expect(told).toBe(1 + 1);
  });

  it("fail their request, and no other, where the drafter fails", async () => {
    const { engine } = setUp();
    const broken: Drafter[] = [
      { draft: () => Promise.reject(new Error("no idea")) },
      {
        draft: () => {
          throw new Error("no idea");
        },
      },
    ];
    const other = engine.submit(row([2], 20)).result;
    for (const drafter of broken) await expect(engine.submit(row([1], 8, { drafter })).result).rejects.toThrow("no idea");
    const wild = engine.submit(row([1], 8, { drafter: { draft: () => [61] } }));
    await expect(wild.result).rejects.toThrow("a drafter gives token 61");
    expect((await other).sequences[0]?.tokens).toEqual(await answer([2], 20));
    expect(engine.statistics()).toMatchObject({ running: 0, waiting: 0 });
    expect(engine.statistics().blocks.state0?.used).toBe(0);
  });

  it("fail once where several rows' drafts fail, one at once and one later", async () => {
    const { engine } = setUp();
    const drafter: Drafter = {
      draft({ index }) {
        if (index === 1) throw new Error("at once");
        return turns(2).then(() => {
          throw new Error("later");
        });
      },
    };
    const sequences = [{ tokens: [1] }, { tokens: [2] }];
    const { result } = engine.submit({ sequences, decoder: greedyDecoder(8), drafter });
    await expect(result).rejects.toThrow("at once");
    await turns(4); // an unhandled rejection would fail the test
  });

  it("give way where a request that parks waits for their places", async () => {
    const { engine } = setUp({ maxSequences: 1 });
    const drafter: Drafter = {
      draft: () => {
        const decoder = greedyDecoder(3);
        return engine.submit({ sequences: [{ tokens: [5] }], decoder, parks: true }).result.then(() => []);
      },
    };
    const { sequences } = await engine.submit(row([1], 6, { drafter })).result;
    expect(sequences[0]?.tokens).toEqual(await answer([1], 6));
  });

  it("fail with the step that checks them, slots included", async () => {
    const model = fakeModel({ windows: ["slot", undefined] });
    const truth = await answer([1], 20, model);
    const beforeStep = (step: number) => {
      if (step === 2) throw new Error("out of luck");
    };
    const { engine } = setUp({}, model, { beforeStep });
    await expect(engine.submit(row([1], 20, { drafter: from(truth).drafter })).result).rejects.toThrow("out of luck");
    engine.checkIntegrity();
    expect(Object.values(engine.statistics().blocks).every(({ used }) => used === 0)).toBe(true);
  });
});

describe("what breaks the rules", () => {
  it("a fork of a sequence with a draft, and parking without `parks`", async () => {
    const { engine } = setUp();
    const drafter: Drafter = { draft: () => [1, 2] };
    const forks = engine.submit({ ...row([1], 8, { drafter }), decoder: forkingDecoder(8, 2), gangSize: 2 });
    await expect(forks.result).rejects.toThrow("forks a sequence that has a draft");
    const decoder: Request["decoder"] = {
      groups: () => [],
      next: (_, sequences) => sequences.map((sequence) => ({ kind: "park", sequence })),
    };
    await expect(engine.submit(row([1], 8, { decoder })).result).rejects.toThrow("does not say that it `parks`");
    const handle = engine.submit(row([1], 8));
    expect(() => handle.resume([1])).toThrow("is resumed, but is");
    await handle.result;
    expect(engine.statistics().blocks.state0?.used).toBe(0);
  });
});
