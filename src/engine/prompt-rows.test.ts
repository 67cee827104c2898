import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import type { Limits } from "../backends/backend.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { Decoder, Request } from "./request.ts";

const prompt = Array.from({ length: 19 }, (_, index) => (index * 23 + 5) % 61);

function setUp(limits: Partial<Limits> & { pool?: number } = {}) {
  const { pool = 64, ...rest } = limits;
  const model = fakeModel();
  const all = fakeLimits(model, pool, rest);
  const reports: StepReport[] = [];
  const engine = new Engine({
    model,
    session: new FakeSession(model, all),
    limits: all,
    onStep: (report) => {
      reports.push(report);
      engine.checkIntegrity();
    },
  });
  return { engine, reports };
}

/** Greedy, and keeps the log probability of each prompt token that it is told of, by position. */
function scoringDecoder(maxLength: number): { decoder: Decoder; scores: Map<number, number> } {
  const scores = new Map<number, number>();
  const decoder: Decoder = {
    ...greedyDecoder(maxLength),
    promptGroups: ({ tokens }, start, count) => [
      {
        rows: Array.from({ length: count }, (_, row) => row),
        steps: Array.from({ length: count }, () => []),
        pick: "score",
        count,
        target: tokens.slice(start + 1, start + 1 + count),
        logprobs: 0,
      },
    ],
    promptPicks: ([picks], { tokens }, start, count) => {
      expect(picks?.tokens.length).toBe(count);
      for (let row = 0; row < count; row += 1) {
        expect(picks?.tokens[row]).toBe(tokens[start + row + 1]);
        expect(scores.has(start + row + 1)).toBe(false); // each is told of once
        scores.set(start + row + 1, picks?.logprobs?.picked[row] as number);
      }
    },
  };
  return { decoder, scores };
}

/** The log probability of a prompt token, asked of a request whose prompt ends before it. */
async function judgedAlone(position: number): Promise<number> {
  let logprob = Number.NaN;
  const target = prompt[position] as number;
  const decoder: Decoder = {
    groups: () => [{ rows: [0], steps: [[]], pick: "score", count: 1, target: [target], logprobs: 0 }],
    next: ([picks], [sequence]) => {
      logprob = picks?.logprobs?.picked[0] as number;
      return sequence ? [{ kind: "finish", sequence, reason: "stop" }] : [];
    },
  };
  await setUp().engine.submit({ sequences: [{ tokens: prompt.slice(0, position) }], decoder }).result;
  return logprob;
}

describe("a request with `outputsFrom`", () => {
  it.each([
    ["in one step", {}],
    ["in chunks of tokens", { maxTokens: 7 }],
    ["in chunks of logit rows", { maxLogitRows: 3 }],
    ["beside others", { maxSequences: 3, maxTokens: 9, maxLogitRows: 5 }],
  ])("hears each prompt token's log probability once: %s", async (_, limits) => {
    const { engine, reports } = setUp({ maxLogitRows: 32, ...limits });
    const others = "maxSequences" in limits ? [1, 2].map((token) => engine.submit(greedy([token], 12))) : [];
    const { decoder, scores } = scoringDecoder(25);
    const { sequences } = await engine.submit({ sequences: [{ tokens: prompt }], decoder, maxLength: 25, outputsFrom: 4 })
      .result;
    await Promise.all(others.map(({ result }) => result));
    expect([...scores.keys()]).toEqual(Array.from({ length: prompt.length - 5 }, (_, index) => index + 5));
    for (const [position, logprob] of scores) expect(logprob).toBe(await judgedAlone(position));
    expect(sequences[0]?.tokens).toEqual((await setUp().engine.submit(greedy(prompt, 25)).result).sequences[0]?.tokens);
    const most = "maxLogitRows" in limits ? limits.maxLogitRows : 32;
    expect(reports.every(({ logitRows }) => logitRows <= most)).toBe(true);
  });

  it("hears nothing twice when it is preempted", async () => {
    const { engine, reports } = setUp({ pool: 7, maxSequences: 2, maxTokens: 6, maxLogitRows: 8 });
    const first = engine.submit(greedy([1, 2, 3, 4], 24));
    const { decoder, scores } = scoringDecoder(21);
    const second = engine.submit({ sequences: [{ tokens: prompt }], decoder, maxLength: 21, outputsFrom: 0 });
    await Promise.all([first.result, second.result]);
    expect(reports.reduce((sum, { preempted }) => sum + preempted, 0)).toBeGreaterThan(0);
    expect([...scores.keys()]).toEqual(Array.from({ length: prompt.length - 1 }, (_, index) => index + 1));
    for (const [position, logprob] of scores) expect(logprob).toBe(await judgedAlone(position));
  });

  it("fails alone when its decoder throws, in the middle of the prompt too", async () => {
    const { engine } = setUp({ maxTokens: 8, maxLogitRows: 8 });
    const { decoder } = scoringDecoder(25);
    const fail = (): never => {
      throw new Error("mine");
    };
    const good = engine.submit(greedy([1], 9));
    const bad = [{ promptGroups: fail }, { promptPicks: fail }].map((more) =>
      engine.submit({ sequences: [{ tokens: prompt }], decoder: { ...decoder, ...more }, outputsFrom: 0 }),
    );
    for (const { result } of bad) await expect(result).rejects.toThrow("mine");
    expect((await good.result).sequences[0]?.tokens.length).toBe(9);
    expect(engine.statistics()).toMatchObject({ running: 0, blocks: { state0: { used: 0 } } });
  });
});

function greedy(tokens: number[], maxLength: number): Request {
  return { sequences: [{ tokens }], decoder: greedyDecoder(maxLength), maxLength };
}
