import { describe, expect, it } from "vitest";
import { computeStep, gangOf } from "../../test/helpers/gangs.ts";
import type { Gang } from "./gang.ts";
import { Scheduler } from "./scheduler.ts";
import type { StepPlan } from "./step-plan.ts";

const ids = (gangs: readonly Gang[]) => gangs.map(({ id }) => id);
const computedIn = ({ chunks }: StepPlan) => chunks.map(({ gang, count }) => [gang.id, count]);

/** A scheduler of one state with blocks of 4 tokens, whose books are checked after every step. */
function setUp({ blocks = 8, maxTokens = 64, maxSequences = 8, maxLogitRows = 8 } = {}) {
  const scheduler = new Scheduler({ maxTokens, maxSequences, maxLogitRows }, [{ name: "cache", blockTokens: 4, blocks }]);
  const step = () => {
    const plan = scheduler.plan();
    computeStep(scheduler, plan);
    scheduler.checkIntegrity();
    return plan;
  };
  const add = (...gangs: Gang[]) => {
    for (const gang of gangs) scheduler.add(gang);
  };
  return { scheduler, step, add };
}

describe("the scheduler when blocks run out", () => {
  it("preempts the lowest priority, whichever was admitted first", () => {
    const { scheduler, step, add } = setUp({ blocks: 4 });
    const low = gangOf(0, { prompts: [7] });
    const high = gangOf(1, { prompts: [7], priority: 10 });
    add(low);
    step();
    add(high);
    step();
    const preempted: number[] = [];
    for (let count = 0; count < 4; count += 1) preempted.push(...ids(step().preempted));
    expect(preempted).toEqual([low.id]);
    expect([ids(scheduler.running), ids(scheduler.waiting)]).toEqual([[high.id], [low.id]]);
  });

  it("preempts the newest among equals, which then waits in front of later ones", () => {
    const { scheduler, step, add } = setUp({ blocks: 4 });
    add(gangOf(0, { prompts: [7] }), gangOf(1, { prompts: [7] }), gangOf(2, { prompts: [7] }));
    const preempted: number[] = [];
    for (let count = 0; count < 5; count += 1) preempted.push(...ids(step().preempted));
    expect(preempted).toEqual([1]);
    expect([ids(scheduler.running), ids(scheduler.waiting)]).toEqual([[0], [1, 2]]);
  });

  it("fails a gang that has outgrown the cache alone, and no other", () => {
    const { step, add } = setUp({ blocks: 2 });
    add(gangOf(0, { prompts: [8] }));
    step();
    const { failed } = step();
    expect(failed.map(({ gang, error }) => [gang.id, error.code])).toEqual([[0, "cache_full"]]);
  });
});

describe("a waiting gang of a higher priority", () => {
  it("takes places from running ones of a lower priority, the last in rank first, and no more than it needs", () => {
    const { scheduler, step, add } = setUp({ maxSequences: 3 });
    add(gangOf(0), gangOf(1, { priority: 1 }), gangOf(2));
    step();
    add(gangOf(3, { priority: 5 }));
    const plan = step();
    expect(ids(plan.preempted)).toEqual([2]);
    expect(computedIn(plan)).toEqual([
      [3, 1],
      [1, 1],
      [0, 1],
    ]);
    expect(ids(scheduler.waiting)).toEqual([2]);
  });

  it("takes blocks from running ones of a lower priority", () => {
    const { step, add } = setUp({ blocks: 4 });
    add(gangOf(0, { prompts: [6] }), gangOf(1, { prompts: [6] }));
    step();
    add(gangOf(2, { prompts: [8], priority: 1 }));
    const plan = step();
    expect(ids(plan.preempted)).toEqual([1]);
    expect(computedIn(plan)).toEqual([
      [2, 8],
      [0, 1],
    ]);
  });

  it("takes nothing when all that the lower ones have is not enough, and nothing from its equals", () => {
    const { scheduler, step, add } = setUp({ blocks: 4 });
    add(gangOf(0, { prompts: [6], priority: 1, maxLength: 7 }), gangOf(1, { prompts: [6] }));
    const first = step();
    expect(computedIn(first).length).toBe(2);
    add(gangOf(2, { prompts: [16], priority: 1 }), gangOf(3, { prompts: [1], priority: 1 }));
    expect(ids(step().preempted)).toEqual([1]); // gang 0 has ended: now its blocks and those of gang 1 are enough
    expect(ids(scheduler.running)).toEqual([2]);
    expect(ids(scheduler.waiting)).toEqual([3, 1]);
  });

  it("waits for its equals", () => {
    const { scheduler, step, add } = setUp({ maxSequences: 2 });
    add(gangOf(0, { priority: 1 }), gangOf(1, { priority: 1, maxLength: 4 }));
    step();
    add(gangOf(2, { priority: 1 }));
    expect(ids(step().preempted)).toEqual([]);
    step();
    step();
    expect(ids(scheduler.running)).toEqual([0, 2]);
  });
});

describe("a step", () => {
  it("serves one priority after the other", () => {
    const { step, add } = setUp({ maxTokens: 8, blocks: 16 });
    add(gangOf(0, { prompts: [6] }));
    step();
    add(gangOf(1, { prompts: [20], priority: 1 }));
    expect(computedIn(step())).toEqual([[1, 8]]);
    expect(computedIn(step())).toEqual([[1, 8]]);
    expect(computedIn(step())).toEqual([
      [1, 4],
      [0, 1],
    ]);
  });

  it("counts the rows of prompt tokens, and cuts chunks where no row is left", () => {
    const { step, add } = setUp({ maxLogitRows: 4, blocks: 16 });
    add(gangOf(0, { prompts: [12], outputsFrom: 3 }));
    const rows = ({ chunks, prompts, logitRows }: StepPlan) => ({
      chunks: chunks.map(({ gang, start, count }) => [gang.id, start, count]),
      prompts: prompts.map(({ start, row, count }) => [start, row, count]),
      logitRows,
    });
    // Tokens 0 … 2 need no row, and 3 … 6 have the four rows of the step.
    expect(rows(step())).toEqual({ chunks: [[0, 0, 7]], prompts: [[3, 0, 4]], logitRows: 4 });
    expect(rows(step())).toMatchObject({ chunks: [[0, 7, 4]], prompts: [[7, 0, 4]] });
    // The last prompt token's row is the one that the next token is picked from.
    expect(rows(step())).toEqual({ chunks: [[0, 11, 1]], prompts: [], logitRows: 1 });
  });
});
