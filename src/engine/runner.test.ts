import { describe, expect, it, vi } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import type { Batch } from "../backends/backend.ts";
import type { SamplingGroup } from "../sampling/group.ts";
import { ActiveRequest } from "./active-request.ts";
import type { Outcome } from "./ask.ts";
import type { Decoder, Request } from "./request.ts";
import { StepRun } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";
import { parseRequest } from "./valid-request.ts";

const model = fakeModel();
const [{ name, kind, window }] = model.states as [(typeof model.states)[number]];
const layouts = [{ name, kind, window, blockTokens: 4, blocks: 32 }];
const fail = (): never => {
  throw new Error("mine");
};
const greedy = greedyDecoder(20);
/** Its logits go through a step that throws: the session can make no pick for it. */
const unpickable: Decoder = {
  ...greedy,
  groups: (sequences) =>
    sequences.map((_, row) => ({ rows: [row], steps: [[{ kind: "call", apply: fail }]], pick: "argmax", count: 1 })),
};

/** A scheduler with requests of these decoders, and a session that knows what it was asked. */
function setUp(decoders: readonly Decoder[], more: Partial<Request> = {}) {
  const limits = fakeLimits(model, 32, { maxSequences: 8, maxTokens: 32, maxLogitRows: 16 });
  const batches: Batch[] = [];
  const session = new FakeSession(model, limits, { beforeStep: (_, batch) => batches.push(batch) });
  const sample = vi.spyOn(session, "sample");
  const scheduler = new Scheduler<ActiveRequest>(limits, layouts);
  let next = 0;
  const requests = decoders.map((decoder, id) => {
    const request = parseRequest({ sequences: [{ tokens: [id, 3, 5] }], decoder, ...more }, model);
    const active = new ActiveRequest(id, request, () => next++, 0);
    active.result.catch(() => {});
    scheduler.add(active);
    return active;
  });
  const queue = () => new StepRun(session, scheduler.plan(), layouts, requests);
  return { session, scheduler, requests, batches, sample, queue };
}

/** Waits for a step; gives what each request got, by its id. */
async function settle(run: StepRun, scheduler: Scheduler<ActiveRequest>): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  await run.settle((each) => {
    for (const outcome of each) outcomes.set(outcome.question.request.id, outcome);
    return [];
  });
  scheduler.commit(run.plan);
  return outcomes;
}

const errorOf = (outcome: Outcome | undefined) => (outcome?.error as Error | undefined)?.message;

describe("a step on a session", () => {
  it("samples for all decoders with one call, in logit rows of the batch", async () => {
    const { session, scheduler, queue, sample } = setUp([greedy, greedy, greedy]);
    const run = queue();
    const outcomes = await settle(run, scheduler);
    run.release();
    expect(sample).toHaveBeenCalledTimes(1);
    const [, groups] = sample.mock.calls[0] as [number, SamplingGroup[]];
    expect(groups.map(({ rows }) => rows)).toEqual([[0], [1], [2]]);
    for (const outcome of outcomes.values()) expect(outcome.picks?.[0]?.tokens).toHaveLength(1);
    expect(session.held.size).toBe(0);
  });

  it("fails the request whose decoder throws before anything is sampled, and goes on with the others", async () => {
    const { scheduler, queue, sample } = setUp([greedy, { ...greedy, groups: fail }, greedy]);
    const run = queue();
    const outcomes = await settle(run, scheduler);
    expect([0, 1, 2].map((id) => errorOf(outcomes.get(id)))).toEqual([undefined, "mine", undefined]);
    expect(sample).toHaveBeenCalledTimes(1);
    expect(run.hasLostPicks).toBe(false);
  });

  it("asks for each decoder alone when the session cannot pick for all: one fails, and the numbers of picks are lost", async () => {
    const { scheduler, queue } = setUp([greedy, unpickable, greedy]);
    const run = queue();
    const outcomes = await settle(run, scheduler);
    expect([0, 1, 2].map((id) => errorOf(outcomes.get(id)))).toEqual([undefined, "mine", undefined]);
    const alone = setUp([greedy]);
    const expected = await settle(alone.queue(), alone.scheduler);
    expect(outcomes.get(0)?.picks).toEqual(expected.get(0)?.picks);
    expect(run.hasLostPicks).toBe(true);
  });

  it("rejects when the session fails", async () => {
    const { session, scheduler, requests } = setUp([greedy]);
    const plan = scheduler.plan();
    vi.spyOn(session, "sample").mockRejectedValue(new Error("device lost"));
    await expect(new StepRun(session, plan, layouts, requests).settle(() => [])).rejects.toThrow("device lost");
  });

  it("refuses a decoder that picks from rows it does not have", async () => {
    const far: Decoder = { ...greedy, groups: () => [{ rows: [1], steps: [[]], pick: "argmax", count: 1 }] };
    const { scheduler, queue } = setUp([far, greedy]);
    const outcomes = await settle(queue(), scheduler);
    expect(errorOf(outcomes.get(0))).toContain("picks from row 1 of 1");
    expect(errorOf(outcomes.get(1))).toBeUndefined();
  });
});

describe("a step that is queued before the picks of the one before it are known", () => {
  it("takes them by their numbers, which count those of prompt tokens and of other decoders", async () => {
    const scoring: Decoder = {
      ...greedy,
      promptGroups: (_, start, count) => [
        { rows: [0, 1].slice(0, count), steps: [[], []], pick: "score", count, target: [start, start] },
      ],
      promptPicks: () => {},
    };
    const twoPicks: Decoder = {
      ...greedy,
      groups: () => [{ rows: [0], steps: [[]], pick: "top", count: 3 }],
    };
    const { scheduler, queue, batches } = setUp([scoring, twoPicks, greedy], { outputsFrom: undefined });
    const [first] = scheduler.waiting;
    (first?.live[0] as { outputsFrom: number }).outputsFrom = 0;
    const one = queue();
    one.ask(() => true);
    const two = queue();
    expect(two.takesPicks).toBe(true);
    // Two judged prompt tokens, pick 2 of the first request, three of the second, pick 6 of the third.
    expect([...(batches[1] as Batch).tokenIds]).toEqual([-3, -7]);
    await settle(one, scheduler);
  });

  it("leaves out requests that may not run ahead, or do not append what is picked", () => {
    const { queue, batches, requests } = setUp([greedy, { ...greedy, appendsPicks: false }, greedy]);
    queue().ask((request) => request !== requests[2]);
    queue();
    expect([...(batches[1] as Batch).tokenIds]).toEqual([-1]);
  });

  it("is queued again with tokens that are known by then, without sequences that have ended", async () => {
    const { session, scheduler, queue, batches, requests } = setUp([greedy, greedy]);
    const one = queue();
    one.ask(() => true);
    const two = queue();
    await settle(one, scheduler);
    one.release();
    for (const { live } of requests) {
      live[0]?.tokens.push(40);
      (live[0] as { ahead: number | undefined }).ahead = undefined;
    }
    const [ended] = requests as [ActiveRequest];
    (ended.live[0] as { finishReason: string }).finishReason = "eos";
    expect(two.queueAgain()).toBe(true);
    expect([...(batches[2] as Batch).tokenIds]).toEqual([40]);
    expect([...(await settle(two, scheduler)).keys()]).toEqual([1]);
    two.release();
    expect(session.held.size).toBe(0);
  });

  it("is not queued again when nothing of it lives", async () => {
    const { session, scheduler, queue, requests } = setUp([greedy]);
    const one = queue();
    one.ask(() => true);
    const two = queue();
    await settle(one, scheduler);
    one.release();
    for (const { live } of requests) (live[0] as { finishReason: string }).finishReason = "eos";
    expect(two.queueAgain()).toBe(false);
    two.release();
    expect(session.held.size).toBe(0);
  });
});
