import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import { difference, drawArrivals, requestOf, runInterleaved } from "../../test/helpers/interleaving.ts";
import { seedCount } from "../../test/helpers/seed-count.ts";
import { seeded } from "../../test/helpers/seeded.ts";
import type { BlockPool } from "../cache/block-pool.ts";
import type { PrefixIndex, PrefixSource } from "../cache/prefix-index.ts";
import { Engine, type StepReport } from "./engine.ts";

const blockTokens = 4;

/** The plainest cache there can be, for states of full attention: full blocks by all tokens up to their end. */
class ListedPrefixes implements PrefixIndex {
  readonly #blocks = new Map<string, number[]>();
  readonly #pools: readonly BlockPool[];
  evicted = 0;

  constructor(pools: readonly BlockPool[]) {
    this.#pools = pools;
    pools.forEach((pool, state) => {
      pool.setEvictor(() => this.#evict(state));
    });
  }

  find(source: PrefixSource, most: number) {
    const blocks: number[][] = this.#pools.map(() => []);
    let length = 0;
    for (; length + blockTokens <= most; length += blockTokens) {
      const ids = this.#blocks.get(this.#key(source, length + blockTokens));
      if (!ids) break;
      ids.forEach((id, state) => {
        blocks[state]?.push(id);
      });
    }
    return length > 0 ? { length, blocks } : undefined;
  }

  remember(source: PrefixSource, computed: number, tables: readonly Int32Array[]): void {
    for (let index = 0; (index + 1) * blockTokens <= computed; index += 1) {
      const key = this.#key(source, (index + 1) * blockTokens);
      if (this.#blocks.has(key)) continue;
      const ids = tables.map((table) => table[index] as number);
      ids.forEach((id, state) => {
        this.#pools[state]?.cache(id);
      });
      this.#blocks.set(key, ids);
    }
  }

  #key({ salt, tokens }: PrefixSource, length: number): string {
    return `${salt}|${tokens.slice(0, length).join()},`;
  }

  /** Gives up the longest start whose block of this state nobody holds. */
  #evict(state: number): void {
    const isFree = ([, ids]: [string, number[]]) => this.#pools[state]?.isEvictable(ids[state] as number);
    const [key, ids] = [...this.#blocks].filter(isFree).sort(([a], [b]) => b.length - a.length)[0] ?? ["", []];
    this.#blocks.delete(key);
    ids.forEach((id, each) => {
      this.#pools[each]?.uncache(id);
    });
    this.evicted += 1;
  }
}

async function runSeed(seed: number): Promise<{ reports: StepReport[]; evicted: number; tokens: number }> {
  const random = seeded(seed);
  const model = fakeModel({ windows: random.pick([[undefined], [undefined, undefined]] as const) });
  const maxSequences = random.integer(3, 6);
  const starts = [0, 1].map(() => Array.from({ length: 12 }, () => random.integer(0, 60)));
  const arrivals = drawArrivals(random, {
    vocabularySize: 61,
    requests: random.integer(4, 12),
    longestPrompt: 8,
    mostNewTokens: 12,
  });
  let tokens = 0;
  for (const arrival of arrivals) {
    const start = random.pick(starts).slice(0, random.integer(0, 12));
    arrival.prompts = arrival.prompts.map((prompt) => [...start, ...prompt]);
    arrival.maxLength += start.length;
    tokens += arrival.prompts.flat().length;
  }
  const pool = 24 + random.integer(0, 12);
  const limits = fakeLimits(model, pool, { maxTokens: random.integer(maxSequences, 30), maxSequences });
  let prefixes: ListedPrefixes | undefined;
  const { outcomes, reports } = await runInterleaved(model, new FakeSession(model, limits, { blockTokens }), limits, arrivals, {
    stepsInFlight: random.pick([1, 2] as const),
    createPrefixes: (_, pools) => {
      prefixes = new ListedPrefixes(pools);
      return prefixes;
    },
  });
  for (const [index, arrival] of arrivals.entries()) {
    const wide = fakeLimits(model, 256, { maxTokens: 512, maxSequences: 4 });
    const engine = new Engine({ model, session: new FakeSession(model, wide, { blockTokens }), limits: wide });
    const answer = await engine.submit(requestOf(arrival)).result;
    const outcome = outcomes[index];
    const wrong = outcome ? difference(outcome, answer, arrival) : "no outcome";
    if (wrong) throw new Error(`request ${index}:\n${wrong}`);
  }
  return { reports, evicted: prefixes?.evicted ?? 0, tokens };
}

describe("an engine whose sequences start with cached blocks", () => {
  it("gives the answers that it gives without them, keeps the books, and loses no block", async () => {
    let evicted = 0;
    let preempted = 0;
    const seeds = seedCount({ commit: 30, long: 400 });
    for (let seed = 1; seed <= seeds; seed += 1) {
      const run = await runSeed(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      });
      evicted += run.evicted;
      for (const report of run.reports) preempted += report.preempted;
    }
    expect(evicted).toBeGreaterThan(seeds);
    expect(preempted).toBeGreaterThan(0);
  });

  it("computes a shared start once, from tokens whose outputs are not wanted, and only within one salt", async () => {
    const model = fakeModel();
    const limits = fakeLimits(model, 16, { maxTokens: 64, maxSequences: 2 });
    let computed = 0;
    const engine = new Engine({
      model,
      session: new FakeSession(model, limits, { blockTokens }),
      limits,
      createPrefixes: (_, pools) => new ListedPrefixes(pools),
      onStep: ({ tokens }) => {
        computed += tokens;
        engine.checkIntegrity();
      },
    });
    const tokens = Array.from({ length: 13 }, (_, index) => index);
    const ask = async (more: { salt?: string; outputsFrom?: number }) => {
      computed = 0;
      const decoder = { ...greedyDecoder(14), promptGroups: () => [], promptPicks: () => {} };
      await engine.submit({ sequences: [{ tokens }], decoder, ...more }).result;
      await new Promise((resolve) => setTimeout(resolve, 1)); // the step is reported after its answers
      return computed;
    };
    expect(await ask({})).toBe(13);
    expect(await ask({})).toBe(1);
    expect(await ask({ salt: "other" })).toBe(13);
    expect(await ask({ outputsFrom: 9 })).toBe(5);
    expect(await ask({ outputsFrom: 0 })).toBe(13);
    // All is free for a request that needs it.
    expect(engine.statistics().blocks).toEqual({ state0: { used: 0, free: 16 } });
  });
});
