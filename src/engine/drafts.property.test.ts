import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { guessingDrafter } from "../../test/helpers/guessing-drafter.ts";
import { type Arrival, difference, drawArrivals, requestOf, runInterleaved } from "../../test/helpers/interleaving.ts";
import { seedCount } from "../../test/helpers/seed-count.ts";
import { seeded } from "../../test/helpers/seeded.ts";
import type { Model } from "../ops/program.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { RequestResult } from "./request.ts";

const blockTokens = 4;
const vocabularySize = 61;

/** The fewest blocks with which every one of these requests can be served alone. */
function smallestPool(arrivals: readonly Arrival[]): number {
  const needs = arrivals.map(({ prompts, beams, maxLength }) => {
    const longest = (tokens: number[]) => Math.ceil(Math.max(tokens.length, maxLength - 1) / blockTokens);
    const forks = Math.max(0, beams - prompts.length) * Math.max(...prompts.map(longest));
    return prompts.reduce((sum, tokens) => sum + longest(tokens), forks);
  });
  return Math.max(...needs);
}

async function alone(model: Model, arrival: Arrival): Promise<RequestResult> {
  const limits = fakeLimits(model, 256, { maxTokens: 512, maxSequences: 4 });
  const engine = new Engine({ model, session: new FakeSession(model, limits, { blockTokens }), limits });
  return engine.submit(requestOf({ ...arrival, drafter: undefined })).result;
}

async function runSeed(seed: number): Promise<{ reports: StepReport[]; slots: boolean }> {
  const random = seeded(seed);
  const windows = random.pick([[undefined], [undefined, 7], [5], [3, undefined, 9], ["slot"], [6, "slot", undefined]] as const);
  const slots = windows.some((window) => window === "slot");
  const rotarySwitch = random.chance(0.4) ? random.integer(3, 24) : undefined;
  const model = fakeModel({ windows, vocabularySize, rotarySwitch });
  const maxSequences = random.integer(3, 9);
  const maxTokens = random.integer(maxSequences, maxSequences + (random.chance(0.5) ? 4 : 40));
  const lengths = random.pick([
    { longestPrompt: 24, mostNewTokens: 12 },
    { longestPrompt: 5, mostNewTokens: 30 },
  ]);
  const arrivals = drawArrivals(random, { vocabularySize, requests: random.integer(1, 14), ...lengths });
  const answers = await Promise.all(arrivals.map((arrival) => alone(model, arrival)));
  arrivals.forEach((arrival, index) => {
    if (arrival.beams > 1 || random.chance(0.2)) return;
    const rows = answers[index]?.sequences.map(({ tokens }) => tokens) ?? [];
    arrival.drafter = guessingDrafter(random, rows, vocabularySize);
  });
  const pool = smallestPool(arrivals) + random.integer(0, 8);
  const limits = fakeLimits(model, slots ? Math.max(pool, maxSequences) : pool, { maxTokens, maxSequences });
  limits.maxLogitRows = random.integer(3, 2 * maxSequences);
  const wait = random.chance(0.5) ? undefined : () => Promise.resolve();
  const session = new FakeSession(model, limits, { blockTokens, wait });
  const { outcomes, reports } = await runInterleaved(model, session, limits, arrivals, {
    stepsInFlight: random.pick([1, 2] as const),
  });
  arrivals.forEach((arrival, index) => {
    const outcome = outcomes[index];
    const answer = answers[index];
    if (!outcome || !answer) throw new Error(`request ${index} has no outcome`);
    const wrong = difference(outcome, answer, arrival);
    if (wrong) throw new Error(`request ${index}:\n${wrong}`);
  });
  if (session.held.size > 0) throw new Error(`${session.held.size} steps were never released`);
  return { reports, slots };
}

describe("any interleaving of requests with drafts", () => {
  it("gives each request the tokens it gets alone without drafts, keeps the books after every step, and leaves nothing behind", async () => {
    const total = { drafted: 0, accepted: 0, rejectedSlots: 0, preempted: 0 };
    const seeds = seedCount({ commit: 50, long: 300 });
    for (let seed = 1; seed <= seeds; seed += 1) {
      const { reports, slots } = await runSeed(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      });
      for (const { drafted, accepted, preempted } of reports) {
        total.drafted += drafted;
        total.accepted += accepted;
        total.preempted += preempted;
        if (slots) total.rejectedSlots += drafted - accepted;
      }
    }
    // The seeds reach what they are meant to reach.
    expect(total.drafted - total.accepted).toBeGreaterThan(3 * seeds);
    expect(total.accepted).toBeGreaterThan(3 * seeds);
    expect(total.rejectedSlots).toBeGreaterThan(seeds / 3);
    expect(total.preempted).toBeGreaterThan(seeds / 6);
  });
});
