import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { requestOf } from "../../src/decoding/request-of.ts";
import type { RequestOptions } from "../../src/decoding/request-options.ts";
import { resolveSettings } from "../../src/decoding/resolve-settings.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import type { Decoder } from "../../src/engine/request.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import type { Model } from "../../src/ops/program.ts";
import { torchStream } from "../../src/sampling/index.ts";
import { openFixture } from "../helpers/run-model.ts";
import { seedCount } from "../helpers/seed-count.ts";
import { type Seeded, seeded } from "../helpers/seeded.ts";

const seedsOf = (name: string) => (name === "cpu" ? seedCount({ commit: 6, long: 60 }) : seedCount({ commit: 2, long: 10 }));
const backends: Backend[] = [createReferenceBackend(), createCpuBackend()];
let model: Model;
let checkpoint: Checkpoint;
beforeAll(async () => {
  ({ model, checkpoint } = await openFixture("llama"));
});
afterAll(() => checkpoint.close());

/** One call: a prompt, its settings, and whether its own processor throws in the middle. */
interface Call {
  tokens: number[];
  settings: object;
  maxNewTokens: number;
  seed: number;
  throwsAt?: number;
}

function drawCall(random: Seeded): Call {
  const { vocabularySize } = model;
  const doSample = random.chance(0.5);
  return {
    tokens: Array.from({ length: random.integer(1, 30) }, () => random.integer(0, vocabularySize - 1)),
    settings: {
      doSample,
      ...(doSample && { topK: 20, numReturnSequences: random.integer(1, 3) }),
      ...(random.chance(0.5) && { repetitionPenalty: 1.4, noRepeatNgramSize: 2 }),
      // Many end tokens, so that rows end while the step behind is in flight.
      ...(random.chance(0.6) && { eosTokenId: Array.from({ length: vocabularySize / 16 }, (_, i) => 16 * i + 3) }),
      ...(random.chance(0.3) && { stopStrings: ["<7", "1>"] }),
    },
    maxNewTokens: random.integer(1, 24),
    seed: random.integer(0, 1000),
  };
}

interface Run {
  /** Rows of each call, or what it failed with. */
  answers: unknown[];
  /** Tokens that were queued as numbers of picks. */
  taken: number;
}

async function runCalls(backend: Backend, calls: readonly Call[], stepsInFlight: 1 | 2): Promise<Run> {
  const { blockTokens } = backend;
  const limits = engineLimits(model, { blockTokens, weights: "float32", contextTokens: 192, maxSequences: 5, maxTokens: 20 });
  const session = await backend.prepare(model, checkpoint, limits, { threads: 2 });
  let taken = 0;
  const queue = session.run.bind(session);
  session.run = (batch, ...rest) => {
    taken += batch.tokenIds.filter((id) => id < 0).length;
    return queue(batch, ...rest);
  };
  const engine = new Engine({
    model,
    session,
    limits,
    stepsInFlight,
    onStep: () => engine.checkIntegrity(),
  });
  const answers = await Promise.all(
    calls.map(async ({ tokens, settings, maxNewTokens, seed, throwsAt }) => {
      const options: RequestOptions = {
        model,
        maxNewTokens,
        stream: torchStream(seed),
        tokenBytes: (token) => new TextEncoder().encode(`<${token}>`),
      };
      const request = requestOf(resolveSettings(settings, {}, {}), { tokens }, options);
      if (throwsAt !== undefined) failAt(request.decoder, throwsAt);
      try {
        return request.rows(await engine.submit(request).result);
      } catch (error) {
        return (error as Error).message;
      }
    }),
  );
  engine.checkIntegrity();
  expect(Object.values(engine.statistics().blocks).every(({ used }) => used === 0)).toBe(true);
  await engine.dispose();
  return { answers, taken };
}

/** Lets a processor throw when the row has so many new tokens: the session cannot make that pick. */
function failAt(decoder: Decoder, length: number): void {
  const groups = decoder.groups.bind(decoder);
  decoder.groups = (sequences) =>
    groups(sequences).map((group, index) => {
      const { tokens, promptLength } = sequences[index]!;
      if (tokens.length - promptLength < length) return group;
      const fail = () => {
        throw new Error("mine");
      };
      return { ...group, steps: [[{ kind: "call", apply: fail }]] };
    });
}

describe.each(backends.map((backend) => ({ name: backend.name, backend })))(
  "two steps in flight on $name",
  ({ name, backend }) => {
    it("give the answers of one, end tokens and stop strings included, and lose no block", async () => {
      let taken = 0;
      const reasons = new Set<string>();
      for (let seed = 1; seed <= seedsOf(name); seed += 1) {
        const random = seeded(seed);
        const calls = Array.from({ length: random.integer(3, 6) }, () => drawCall(random));
        const one = await runCalls(backend, calls, 1);
        const two = await runCalls(backend, calls, 2);
        expect(two.answers, `seed ${seed}`).toEqual(one.answers);
        expect(one.taken).toBe(0);
        taken += two.taken;
        for (const { finishReason } of two.answers.flat() as { finishReason: string }[]) reasons.add(finishReason);
      }
      expect(taken).toBeGreaterThan(5 * seedsOf(name));
      expect([...reasons]).toEqual(expect.arrayContaining(["eos", "length"]));
    });

    it("go on when a pick that the second one takes cannot be made: only its request fails", async () => {
      const good = [1, 2, 3].map((seed) => ({ tokens: [5 * seed, 7], settings: {}, maxNewTokens: 12, seed }));
      const bad = { ...good[0]!, settings: {}, throwsAt: 4 };
      const alone = await runCalls(backend, good, 1);
      const mixed = await runCalls(backend, [good[0]!, bad, good[1]!, good[2]!], 2);
      expect(mixed.answers[1]).toContain("mine");
      expect([mixed.answers[0], mixed.answers[2], mixed.answers[3]]).toEqual(alone.answers);
      expect(mixed.taken).toBeGreaterThan(20);
      const none = await runCalls(backend, [bad], 2);
      expect(none.answers).toEqual([expect.stringContaining("mine")]);
    });
  },
);
