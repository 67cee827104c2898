import { describe, expect, it } from "vitest";
import { gangOf } from "../../test/helpers/gangs.ts";
import { buildBatch, buildEncodeBatch } from "./batch.ts";
import { Scheduler } from "./scheduler.ts";
import { EngineSequence, noProcessors } from "./sequence.ts";
import { emptyPlan } from "./step-plan.ts";

const states = [
  { name: "full", kind: "paged", blockTokens: 4, window: undefined, blocks: 16 },
  { name: "window", kind: "paged", blockTokens: 4, window: 4, blocks: 16 },
  { name: "slots", kind: "slot", blockTokens: 1_000_000, window: undefined, blocks: 8 },
] as const;

function setUp(maxTokens = 64) {
  return new Scheduler({ maxTokens, maxSequences: 8, maxLogitRows: 16 }, states);
}

/** Plans the next step, writes it out, and computes it: sequences that are caught up get token 50. */
function nextBatch(scheduler: Scheduler) {
  const plan = scheduler.plan();
  const batch = buildBatch(plan, states);
  scheduler.commit(plan);
  for (const { sequences } of plan.picks) for (const sequence of sequences) sequence.tokens.push(50);
  scheduler.settle(plan);
  return { plan, batch };
}

const plain = (values: Int32Array | undefined) => [...(values ?? [])];

describe("the batch of a plan", () => {
  it("lays sequences one behind the other, with positions of their own and a logit row for each last token", () => {
    const scheduler = setUp();
    for (const gang of [gangOf(0, { prompts: [3] }), gangOf(1, { prompts: [2, 1] })]) scheduler.add(gang);
    const { batch } = nextBatch(scheduler);
    expect(plain(batch.tokenIds)).toEqual([0, 1, 2, 0, 1, 0]);
    expect(plain(batch.positions)).toEqual([0, 1, 2, 0, 1, 0]);
    expect(plain(batch.sequenceStart)).toEqual([0, 3, 5, 6]);
    expect(plain(batch.logitRows)).toEqual([2, 4, 5]);
    expect(plain(batch.promptLength)).toEqual([3, 2, 1]);
    const next = nextBatch(scheduler).batch;
    expect(plain(next.tokenIds)).toEqual([50, 50, 50]);
    expect(plain(next.positions)).toEqual([3, 2, 1]);
  });

  it("goes on in the next step where a chunk ended, and has no logit row before the last token", () => {
    const scheduler = setUp(4);
    scheduler.add(gangOf(0, { prompts: [6] }));
    const [first, second] = [nextBatch(scheduler).batch, nextBatch(scheduler).batch];
    expect([plain(first.positions), plain(first.logitRows)]).toEqual([[0, 1, 2, 3], []]);
    expect([plain(second.positions), plain(second.logitRows)]).toEqual([[4, 5], [1]]);
    expect([plain(first.promptLength), plain(second.promptLength)]).toEqual([[6], [6]]);
  });

  it("has a logit row for each prompt token that is wanted", () => {
    const scheduler = setUp();
    scheduler.add(gangOf(0, { prompts: [2] }));
    scheduler.add(gangOf(1, { prompts: [6], outputsFrom: 3 }));
    const { batch, plan } = nextBatch(scheduler);
    expect(plain(batch.logitRows)).toEqual([1, 5, 6, 7]); // positions 3, 4 of the second, and its last
    expect(plan.prompts).toMatchObject([{ start: 3, row: 1, count: 2 }]);
    expect(plan.picks.map(({ rows }) => rows)).toEqual([[0], [3]]);
  });

  it("gives each state the blocks of its tables: gaps behind a window, one entry for a slot", () => {
    const scheduler = setUp(8);
    scheduler.add(gangOf(0, { prompts: [9] }));
    nextBatch(scheduler);
    const { batch } = nextBatch(scheduler);
    const [full, window, slots] = batch.states;
    for (const state of batch.states) expect(plain(state.length)).toEqual([9]);
    expect(plain(full?.tableStart)).toEqual([0, 3]);
    expect(plain(full?.table).every((block) => block >= 0)).toBe(true);
    expect(plain(window?.table).map((block) => block >= 0)).toEqual([false, true, true]);
    expect(plain(slots?.tableStart)).toEqual([0, 1]);
  });

  it("is not changed by the plan behind it", () => {
    const scheduler = setUp(4);
    scheduler.add(gangOf(0, { prompts: [8] }));
    const { batch } = nextBatch(scheduler);
    const before = structuredClone(batch);
    nextBatch(scheduler);
    expect(batch).toEqual(before);
  });

  it("writes drafts behind their sequence, with a logit row each", () => {
    const scheduler = setUp();
    const gang = gangOf(0, { prompts: [2] });
    scheduler.add(gang);
    nextBatch(scheduler);
    (gang.live[0] as EngineSequence).draft = [7, 8];
    const { batch } = nextBatch(scheduler);
    expect(plain(batch.tokenIds)).toEqual([50, 7, 8]);
    expect(plain(batch.positions)).toEqual([2, 3, 4]);
    expect(plain(batch.logitRows)).toEqual([0, 1, 2]);
  });

  it("writes a token that is not known yet as the number of its pick", () => {
    const scheduler = setUp();
    const gang = gangOf(0, { prompts: [2] });
    scheduler.add(gang);
    const first = scheduler.plan();
    (gang.live[0] as EngineSequence).ahead = 5;
    const second = buildBatch(scheduler.plan(), states);
    expect([plain(second.tokenIds), plain(second.positions)]).toEqual([[-6], [2]]);
    scheduler.commit(first);
  });
});

describe("the batch of encoder inputs", () => {
  it("has each input whole, and blocks of cross states only", () => {
    const layouts = [
      { name: "self", kind: "paged", blockTokens: 4, window: undefined, blocks: 4 },
      { name: "cross", kind: "cross", blockTokens: 4, window: undefined, blocks: 8 },
    ] as const;
    const scheduler = new Scheduler({ maxTokens: 64, maxSequences: 4, maxLogitRows: 4 }, layouts);
    const inputs = [
      [5, 6, 7],
      [8, 9, 10, 11, 12],
    ];
    inputs.forEach((encoderTokens, id) => {
      const gang = gangOf(id);
      const init = { id, index: 0, tokens: [1], promptLength: 1, padding: 0, processors: noProcessors, encoderTokens };
      const sequence = new EngineSequence(init);
      gang.sequences[0] = sequence;
      gang.live[0] = sequence;
      scheduler.add(gang);
    });
    const plan = scheduler.plan();
    const batch = buildEncodeBatch(plan, layouts);
    expect(plain(batch.tokenIds)).toEqual(inputs.flat());
    expect(plain(batch.positions)).toEqual([0, 1, 2, 0, 1, 2, 3, 4]);
    expect(plain(batch.sequenceStart)).toEqual([0, 3, 8]);
    expect(batch.logitRows).toHaveLength(0);
    const [self, cross] = batch.states;
    expect([plain(self?.tableStart), plain(self?.length)]).toEqual([
      [0, 0, 0],
      [0, 0],
    ]);
    expect([plain(cross?.tableStart), plain(cross?.length)]).toEqual([
      [0, 1, 3],
      [3, 5],
    ]);
    expect(new Set(plain(cross?.table)).size).toBe(3);
    const decode = buildBatch(plan, layouts);
    expect(plain(decode.states[1]?.length)).toEqual([3, 5]);
    expect(plain(decode.states[1]?.table)).toEqual(plain(cross?.table));
  });

  it("is empty where nothing is encoded", () => {
    expect(buildEncodeBatch({ ...emptyPlan() }, states).tokenIds).toHaveLength(0);
  });
});
