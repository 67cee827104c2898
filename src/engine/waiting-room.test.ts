import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { Request } from "./request.ts";

function setUp({
  maxWaiting,
  pool = 64,
  maxSequences = 2,
}: {
  maxWaiting?: number;
  pool?: number;
  maxSequences?: number;
} = {}) {
  const model = fakeModel();
  const limits = fakeLimits(model, pool, { maxSequences });
  const reports: StepReport[] = [];
  const onStep = (report: StepReport) => reports.push(report);
  const engine = new Engine({ model, session: new FakeSession(model, limits), limits, maxWaiting, onStep });
  return { engine, reports };
}

function greedy(tokens: number[], maxLength: number): Request {
  return { sequences: [{ tokens }], decoder: greedyDecoder(maxLength), maxLength };
}

async function alone(tokens: number[], maxLength: number): Promise<number[] | undefined> {
  const { sequences } = await setUp().engine.submit(greedy(tokens, maxLength)).result;
  return sequences[0]?.tokens;
}

describe("an engine with `maxWaiting`", () => {
  it("refuses a request with queue_full when as many wait as may, and takes one again when a place is free", async () => {
    const { engine } = setUp({ maxSequences: 2, maxWaiting: 1 });
    const taken = [1, 2, 3].map((token) => engine.submit(greedy([token], 6)));
    expect(() => engine.submit(greedy([4], 6))).toThrow(
      expect.objectContaining({
        code: "queue_full",
        status: 429,
        message:
          "The queue is full: 1 requests wait while 2 run, and `maxWaiting` is 1. Send the request again later, or raise `maxWaiting`.",
      }),
    );
    await taken[0]?.result;
    const later = engine.submit(greedy([4], 6));
    expect((await later.result).sequences[0]?.tokens).toEqual(await alone([4], 6));
    for (const { result } of taken) await result;
  });

  it("takes with 0 those that find a place, and lets a preempted one wait", async () => {
    const { engine, reports } = setUp({ maxSequences: 2, maxWaiting: 0, pool: 4 });
    const both = [1, 2].map((token) => engine.submit(greedy([token, 3, 5, 7, 9, 2, 4], 12)));
    expect(() => engine.submit(greedy([3], 6))).toThrow(expect.objectContaining({ code: "queue_full" }));
    const results = await Promise.all(both.map(({ result }) => result));
    expect(results.map(({ sequences }) => sequences[0]?.tokens.length)).toEqual([12, 12]);
    expect(reports.reduce((sum, { preempted }) => sum + preempted, 0)).toBe(1);
  });

  it("refuses a limit that is not a count", () => {
    expect(() => setUp({ maxWaiting: 1.5 })).toThrow("`maxWaiting` must be an integer of at least 0");
  });
});
