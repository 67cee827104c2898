import { describe, expect, it } from "vitest";
import { computeStep, gangOf } from "../../test/helpers/gangs.ts";
import { seedCount } from "../../test/helpers/seed-count.ts";
import { seeded } from "../../test/helpers/seeded.ts";
import { type Gang, ranksBefore } from "./gang.ts";
import { Scheduler } from "./scheduler.ts";

const blockTokens = 4;

/** The gang that nothing may hold up for ever: the first in rank of all that have not ended. */
function firstInRank(scheduler: Scheduler): Gang | undefined {
  return [...scheduler.running, ...scheduler.waiting].reduce<Gang | undefined>(
    (first, gang) => (first && ranksBefore(first, gang) ? first : gang),
    undefined,
  );
}

function runSeed(seed: number): { preempted: number; toAdmit: number } {
  const random = seeded(seed);
  const maxSequences = random.integer(2, 6);
  const maxTokens = random.integer(maxSequences, maxSequences + 12);
  const blocks = random.integer(6, 14);
  const windows = random.pick([[undefined], [undefined, 5], [3]] as const);
  const limits = { maxTokens, maxSequences, maxLogitRows: maxSequences + random.integer(0, 3) };
  const states = windows.map((window, index) => ({ name: `state${index}`, blockTokens, window, blocks }));
  const scheduler = new Scheduler(limits, states);
  const total = { preempted: 0, toAdmit: 0 };
  const gangs = Array.from({ length: random.integer(3, 20) }, (_, id) => {
    const prompts = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => random.integer(1, 9));
    const maxLength = Math.max(...prompts) + random.integer(1, 3);
    return gangOf(id, { priority: random.integer(0, 3), prompts, maxLength, outputsFrom: random.chance(0.3) ? 0 : undefined });
  });
  let next = 0;
  /** Steps since the first in rank last had a token computed, or was another one. */
  let still = 0;
  let before: Gang | undefined;
  for (let step = 0; next < gangs.length || scheduler.running.length + scheduler.waiting.length > 0; step += 1) {
    while (next < gangs.length && random.chance(0.4)) {
      scheduler.add(gangs[next] as Gang);
      next += 1;
    }
    const ran = [...scheduler.running];
    const first = firstInRank(scheduler);
    const plan = scheduler.plan();
    scheduler.checkIntegrity();
    if (plan.failed.length > 0) throw new Error("a gang with a known length has failed");
    for (const gang of plan.preempted) {
      const worse = scheduler.running.filter((other) => ran.includes(other) && ranksBefore(gang, other));
      if (worse.length > 0) throw new Error(`gang ${gang.id} was preempted before gang ${worse[0]?.id}`);
      if (gang === first) throw new Error(`gang ${gang.id} was preempted, but is the first in rank`);
      if (scheduler.running.some((other) => !ran.includes(other) && other.priority > gang.priority)) total.toAdmit += 1;
    }
    total.preempted += plan.preempted.length;
    still = first === before && !plan.chunks.some(({ gang }) => gang === first) ? still + 1 : 0;
    before = first;
    if (still > 40) throw new Error(`gang ${first?.id}, the first in rank, has not moved for ${still} steps`);
    computeStep(scheduler, plan);
    scheduler.checkIntegrity();
    if (step > 5000) throw new Error("some gangs never end");
  }
  for (const { used } of scheduler.pools) if (used > 0) throw new Error(`${used} blocks are left behind`);
  return total;
}

describe("any arrivals of gangs with priorities", () => {
  it("all end, the first in rank always moves, and victims are the last in rank", () => {
    const total = { preempted: 0, toAdmit: 0 };
    const seeds = seedCount({ commit: 150, long: 3000 });
    for (let seed = 1; seed <= seeds; seed += 1) {
      try {
        const { preempted, toAdmit } = runSeed(seed);
        total.preempted += preempted;
        total.toAdmit += toAdmit;
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
    // The seeds reach what they are meant to reach.
    expect(total.preempted).toBeGreaterThan(seeds);
    expect(total.toAdmit).toBeGreaterThan(seeds / 2);
  });
});
