import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { type Arrival, difference, drawArrivals, requestOf, runInterleaved } from "../../test/helpers/interleaving.ts";
import { seedCount } from "../../test/helpers/seed-count.ts";
import { seeded } from "../../test/helpers/seeded.ts";
import type { Model } from "../ops/program.ts";
import { Engine, type StepReport } from "./engine.ts";
import type { RequestResult } from "./request.ts";

const blockTokens = 4;
/** The fewest blocks with which every one of these requests can be served alone. */
function smallestPool(arrivals: readonly Arrival[]): number {
  const needs = arrivals.map(({ prompts, beams, maxLength }) => {
    const longest = (tokens: number[]) => Math.ceil(Math.max(tokens.length, maxLength - 1) / blockTokens);
    const forks = Math.max(0, beams - prompts.length) * Math.max(...prompts.map(longest));
    return prompts.reduce((sum, tokens) => sum + longest(tokens), forks);
  });
  return Math.max(...needs);
}

/** The answer of a request with the engine to itself, plenty of blocks, and its prompt in one chunk. */
async function alone(model: Model, arrival: Arrival): Promise<RequestResult> {
  const limits = fakeLimits(model, 256, { maxTokens: 512, maxSequences: 4 });
  const engine = new Engine({ model, session: new FakeSession(model, limits, { blockTokens }), limits });
  return engine.submit(requestOf(arrival)).result;
}

async function runSeed(seed: number): Promise<StepReport[]> {
  const random = seeded(seed);
  const windows = random.pick([[undefined], [undefined, 7], [5], [3, undefined, 9], [1, 6]] as const);
  const rotarySwitch = random.chance(0.4) ? random.integer(3, 24) : undefined;
  const model = fakeModel({ windows, rotarySwitch });
  const maxSequences = random.integer(3, 9);
  const maxTokens = random.integer(maxSequences, maxSequences + (random.chance(0.5) ? 4 : 40));
  // Long prompts with short answers make chunks; short prompts with long answers run out of blocks.
  const lengths = random.pick([
    { longestPrompt: 24, mostNewTokens: 12 },
    { longestPrompt: 5, mostNewTokens: 30 },
  ]);
  const arrivals = drawArrivals(random, { vocabularySize: 61, requests: random.integer(1, 14), ...lengths });
  const limits = fakeLimits(model, smallestPool(arrivals) + random.integer(0, 8), { maxTokens, maxSequences });
  // Logit rows may be fewer than sequences.
  limits.maxLogitRows = random.integer(3, maxSequences);
  // Some sessions answer within the same turn of the event loop, some later.
  const wait = random.chance(0.5) ? undefined : () => Promise.resolve();
  const session = new FakeSession(model, limits, { blockTokens, wait });
  const { outcomes, reports } = await runInterleaved(model, session, limits, arrivals, {
    stepsInFlight: random.pick([1, 2] as const),
  });
  for (const [index, arrival] of arrivals.entries()) {
    const outcome = outcomes[index];
    if (!outcome) throw new Error(`request ${index} has no outcome`);
    const wrong = difference(outcome, await alone(model, arrival), arrival);
    if (wrong) throw new Error(`request ${index}:\n${wrong}`);
  }
  if (session.held.size > 0) throw new Error(`${session.held.size} steps were never released`);
  return reports;
}

describe("any interleaving of requests", () => {
  it("gives each request the tokens it gets alone, keeps the books after every step, and leaves no KV block behind", async () => {
    const total = { preempted: 0, copies: 0, chunked: 0 };
    const seeds = seedCount({ commit: 75, long: 600 });
    for (let seed = 1; seed <= seeds; seed += 1) {
      const reports = await runSeed(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      });
      for (const { preempted, copies, logitRows, sequences } of reports) {
        total.preempted += preempted;
        total.copies += copies;
        if (logitRows < sequences) total.chunked += 1;
      }
    }
    // The seeds reach what they are meant to reach.
    expect(total.preempted).toBeGreaterThan(seeds / 6);
    expect(total.copies).toBeGreaterThan(1.5 * seeds);
    expect(total.chunked).toBeGreaterThan(1.5 * seeds);
  });
});
