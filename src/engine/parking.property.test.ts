import { describe, expect, it } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import { seedCount } from "../../test/helpers/seed-count.ts";
import { type Seeded, seeded } from "../../test/helpers/seeded.ts";
import type { Model } from "../ops/program.ts";
import { Engine } from "./engine.ts";
import type { Decoder, RequestHandle } from "./request.ts";

const vocabularySize = 61;
const blockTokens = 4;

/** Appends the best token until there are as many as wanted; the last one is told, not appended, and the sequence parks. */
class Guesses implements Decoder {
  readonly tokens: number[] = [];
  wanted = 0;
  done: () => void = () => {};

  groups: Decoder["groups"] = () => [{ rows: [0], steps: [[]], pick: "argmax", count: 1 }];

  next: Decoder["next"] = ([picks], [sequence]) => {
    const token = picks?.tokens[0];
    if (token === undefined || !sequence) throw new Error("no pick");
    this.tokens.push(token);
    if (this.tokens.length < this.wanted) return [{ kind: "append", sequence, token }];
    this.done();
    return [{ kind: "park", sequence }];
  };
}

/** What follows some tokens, with an engine for itself. */
async function followers(model: Model, tokens: number[], count: number): Promise<number[]> {
  const limits = fakeLimits(model, 64, { maxTokens: 64, maxSequences: 2 });
  const engine = new Engine({ model, session: new FakeSession(model, limits, { blockTokens }), limits });
  const { sequences } = await engine.submit({ sequences: [{ tokens }], decoder: greedyDecoder(tokens.length + count) }).result;
  return sequences[0]?.tokens.slice(tokens.length) ?? [];
}

/** Draft after draft of one row, of which some tokens are kept and another follows. Gives how many tokens were guessed. */
async function guessRow(model: Model, engine: Engine, random: Seeded): Promise<number> {
  const decoder = new Guesses();
  let tokens = Array.from({ length: random.integer(1, 14) }, () => random.integer(0, vocabularySize - 1));
  let handle: RequestHandle | undefined;
  let guessed = 0;
  for (let round = random.integer(1, 5); round > 0; round -= 1) {
    decoder.tokens.length = 0;
    decoder.wanted = random.integer(1, 6);
    const parked = new Promise<void>((resolve) => {
      decoder.done = resolve;
    });
    if (handle) handle.resume(tokens);
    else handle = engine.submit({ sequences: [{ tokens }], decoder, parks: true });
    await Promise.race([parked, handle.result]);
    guessed += decoder.tokens.length;
    const draft = [...decoder.tokens];
    const truth = await followers(model, tokens, decoder.wanted);
    if (draft.join() !== truth.join()) throw new Error(`behind ${tokens}: ${draft}, alone ${truth}`);
    // Rarely the row is another one altogether.
    const kept = random.chance(0.1) ? tokens.slice(0, random.integer(0, tokens.length)) : tokens;
    tokens = [...kept, ...draft.slice(0, random.integer(0, draft.length)), random.integer(0, vocabularySize - 1)];
    for (let turn = random.integer(0, 6); turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
  }
  handle?.abort();
  return guessed;
}

describe("requests that park", () => {
  it("go on as if computed anew, with what was rejected taken back, however tight the cache, and leave nothing behind", async () => {
    let guessed = 0;
    const seeds = seedCount({ commit: 50, long: 400 });
    for (let seed = 1; seed <= seeds; seed += 1) {
      const random = seeded(seed);
      const windows = random.pick([[undefined], [3], [undefined, 6], ["slot"], ["slot", 5, undefined]] as const);
      const rotarySwitch = random.chance(0.4) ? random.integer(3, 16) : undefined;
      const model = fakeModel({ windows, vocabularySize, rotarySwitch });
      const maxSequences = random.integer(1, 4);
      const limits = fakeLimits(model, random.integer(14, 24), { maxTokens: random.integer(maxSequences, 24), maxSequences });
      let wrong: unknown;
      const engine = new Engine({
        model,
        session: new FakeSession(model, limits, { blockTokens }),
        limits,
        onStep: () => {
          try {
            engine.checkIntegrity();
          } catch (error) {
            wrong ??= error;
          }
        },
      });
      const rows = Array.from({ length: random.integer(1, 5) }, () =>
        guessRow(model, engine, seeded(random.integer(0, 2 ** 31))),
      );
      const others = Array.from({ length: random.integer(0, 3) }, () => {
        const tokens = [random.integer(0, 60)];
        return engine.submit({ sequences: [{ tokens }], decoder: greedyDecoder(random.integer(2, 30)), maxLength: 30 }).result;
      });
      try {
        const counts = await Promise.all(rows);
        await Promise.all(others);
        if (wrong) throw wrong;
        engine.checkIntegrity();
        const { running, waiting, parked, blocks } = engine.statistics();
        expect({ running, waiting, parked }).toEqual({ running: 0, waiting: 0, parked: 0 });
        for (const { used } of Object.values(blocks)) expect(used).toBe(0);
        guessed += counts.reduce((sum, count) => sum + count, 0);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      }
      await engine.dispose();
    }
    expect(guessed).toBeGreaterThan(15 * seeds);
  });

  it("keep their cache: the prompt goes through the model once", async () => {
    for (const windows of [[undefined], [8], ["slot"], ["slot", undefined]] as const) {
      const model = fakeModel({ windows, vocabularySize });
      const limits = fakeLimits(model, 64, { maxTokens: 64, maxSequences: 4 });
      let computed = 0;
      const onStep = ({ tokens }: { tokens: number }) => {
        computed += tokens;
      };
      const engine = new Engine({ model, session: new FakeSession(model, limits), limits, onStep });
      const decoder = new Guesses();
      let tokens = Array.from({ length: 40 }, (_, index) => index);
      const next = async (start: () => void) => {
        decoder.tokens.length = 0;
        decoder.wanted = 5;
        const parked = new Promise<void>((resolve) => {
          decoder.done = resolve;
        });
        computed = 0;
        start();
        await parked;
        await new Promise((resolve) => setImmediate(resolve));
        return computed;
      };
      let handle: RequestHandle | undefined;
      const first = await next(() => {
        handle = engine.submit({ sequences: [{ tokens }], decoder, parks: true });
      });
      expect(first).toBe(44);
      // Two of five were right: those, and the token that came instead of the third, are new.
      tokens = [...tokens, ...decoder.tokens.slice(0, 2), 60];
      const hasSlot = windows.some((window) => window === "slot");
      expect(await next(() => handle?.resume(tokens))).toBe(hasSlot ? 7 : 5);
      await engine.dispose();
      expect(Object.values(engine.statistics().blocks).every(({ used }) => used === 0)).toBe(true);
    }
  });
});
