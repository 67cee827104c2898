import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../../test/helpers/fake-session.ts";
import { type Seeded, seeded } from "../../../test/helpers/seeded.ts";
import { Engine } from "../../engine/engine.ts";
import type { Request } from "../../engine/request.ts";
import { torchStream } from "../../sampling/index.ts";
import { BeamDecoder, type BeamDecoderOptions } from "./beam-decoder.ts";

const vocabularySize = 61;
const blockTokens = 4;

interface Search {
  tokens: number[];
  options: Omit<BeamDecoderOptions, "stream">;
  /** The random stream's seed. When it is absent, the best are taken. */
  seed?: number;
  /** Aborted after so many steps of the engine. */
  abortAfter?: number;
}

function drawSearch(random: Seeded): Search {
  const beams = random.integer(2, 4);
  const limit = random.integer(1, 24);
  const tokens = Array.from({ length: random.integer(1, 6) }, () => random.integer(0, vocabularySize - 1));
  return {
    tokens,
    seed: random.chance(0.4) ? random.integer(0, 1000) : undefined,
    abortAfter: random.chance(0.2) ? random.integer(0, 12) : undefined,
    options: {
      beams,
      limit,
      maxNewTokens: limit,
      lengthPenalty: random.pick([-1, 0, 1, 2]),
      earlyStopping: random.pick([true, false, "never"] as const),
      prompt: 0,
      prompts: 1,
      vocabularySize,
      padded: tokens,
      eosTokenIds: Array.from({ length: random.integer(0, 4) }, () => random.integer(0, vocabularySize - 1)),
    },
  };
}

function start({ tokens, options, seed }: Search): { decoder: BeamDecoder; request: Request } {
  const decoder = new BeamDecoder({ ...options, stream: seed === undefined ? undefined : torchStream(seed) });
  const { beams, limit } = options;
  const maxLength = tokens.length + limit;
  return { decoder, request: { sequences: [{ tokens }], decoder, gangSize: beams, maxLength, forgetDropped: true } };
}

describe("BeamDecoder", () => {
  it("gives each of many searches its rows, whatever runs beside it, and leaves no KV block behind", async () => {
    let preempted = 0;
    let copies = 0;
    for (let seed = 1; seed <= 120; seed++) {
      const random = seeded(seed);
      const model = fakeModel({ windows: random.pick([[undefined], [5], [undefined, 7]] as const), vocabularySize });
      const searches = Array.from({ length: random.integer(1, 8) }, () => drawSearch(random));
      const needs = searches.map(({ tokens, options }) => {
        return options.beams * Math.ceil((tokens.length + options.limit - 1) / blockTokens);
      });
      const maxSequences = random.integer(4, 20);
      const maxTokens = maxSequences + random.integer(0, 8);
      const limits = fakeLimits(model, Math.max(...needs) + random.integer(0, 6), { maxTokens, maxSequences });
      const aborts: (() => void)[] = [];
      let steps = 0;
      const session = new FakeSession(model, limits, { blockTokens });
      const engine = new Engine({
        model,
        session,
        limits,
        onStep(report) {
          engine.checkIntegrity();
          preempted += report.preempted;
          copies += report.copies;
          steps++;
          searches.forEach(({ abortAfter }, index) => {
            if (abortAfter !== undefined && steps > abortAfter) aborts[index]!();
          });
        },
      });
      const started = searches.map(start);
      const results = await Promise.all(
        started.map(({ request }, index) => {
          const handle = engine.submit(request);
          aborts[index] = handle.abort;
          return handle.result;
        }),
      );
      engine.checkIntegrity();
      for (const { used } of Object.values(engine.statistics().blocks)) expect(used).toBe(0);
      expect(session.held.size).toBe(0);
      await engine.dispose();
      const plenty = fakeLimits(model, 400, { maxTokens: 64, maxSequences: 4 });
      for (const [index, search] of searches.entries()) {
        if (results[index]!.sequences.some(({ dropped }) => !dropped)) continue; // aborted
        const alone = start(search);
        const own = new Engine({ model, session: new FakeSession(model, plenty, { blockTokens }), limits: plenty });
        await own.submit(alone.request).result;
        await own.dispose();
        const { beams } = search.options;
        const rows = started[index]!.decoder.rows(beams);
        expect(rows, `seed ${seed}, search ${index}`).toEqual(alone.decoder.rows(beams));
        expect(rows[0]!.tokens.length).toBeGreaterThan(0);
        for (const { score } of rows) expect(score).toBeLessThanOrEqual(rows[0]!.score);
      }
    }
    expect(preempted).toBeGreaterThan(10);
    expect(copies).toBeGreaterThan(300);
  });
});
