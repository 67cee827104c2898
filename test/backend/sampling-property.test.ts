import { describe, expect, it } from "vitest";
import { TsumugiError } from "../../src/errors.ts";
import type { SamplingGroup } from "../../src/sampling/group.ts";
import type { RandomStream } from "../../src/sampling/random-stream.ts";
import { torchStream } from "../../src/sampling/rng.ts";
import type { SamplingStep, WarperName } from "../../src/sampling/step.ts";
import { seedCount } from "../helpers/seed-count.ts";
import { type Seeded, seeded } from "../helpers/seeded.ts";
import { sampleByChain, sampleNatively } from "./support/logit-rows.ts";

const seeds = seedCount({ commit: 40, long: 2000 });

/** Rows of every kind that a sampler may meet. */
function makeRow(random: Seeded, width: number): Float32Array {
  const spread = random.pick([0, 0.02, 1, 3, 10, 40]);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const row = Float32Array.from({ length: width }, () => spread * normal());
  const kind = random.pick(["plain", "plain", "plain", "steps", "masked", "few", "peak", "odd"]);
  const share = kind === "masked" ? 0.4 : kind === "few" ? 0.99 : 0;
  if (kind === "peak") row[random.integer(0, width - 1)] = 30;
  if (kind === "odd") {
    for (let i = 0; i < 3; i++) row[random.integer(0, width - 1)] = random.pick([Number.NaN, Infinity, -Infinity, -0]);
  }
  for (let i = 0; i < width; i++) {
    if (kind === "steps") row[i] = Math.round(row[i]!);
    if (random.chance(share)) row[i] = -Infinity;
  }
  return row;
}

const values: Record<WarperName, readonly number[]> = {
  temperature: [0.01, 0.7, 1, 1.8],
  topNSigma: [0, 0.5, 1, 2.5],
  topH: [0.1, 0.5, 1],
  topK: [1, 5, 50, 300, 100_000],
  topP: [0, 1e-6, 0.1, 0.5, 0.9, 0.95, 0.999999, 1],
  minP: [0, 0.001, 0.1, 0.9, 1],
  typicalP: [0.05, 0.5, 0.95, 0.9999],
  epsilonCutoff: [1e-6, 1e-4, 0.01, 0.9],
  etaCutoff: [1e-6, 1e-4, 0.01, 0.9],
  xtc: [0.001, 0.01, 0.1, 0.5],
};
const warpers = Object.keys(values) as WarperName[];

function makeStep(random: Seeded, width: number): SamplingStep {
  const tokens = () => Int32Array.from({ length: random.integer(0, 12) }, () => random.integer(0, width - 1));
  const kind = random.pick<SamplingStep["kind"]>([
    "warp",
    "warp",
    "warp",
    "warp",
    "edit",
    "mask",
    "normalise",
    "guide",
    "allow",
    "only",
    "invalid",
  ]);
  if (kind === "normalise" || kind === "invalid") return { kind };
  if (kind === "guide") return { kind, scale: random.pick([0, 0.5, 1.5]) };
  if (kind === "mask") {
    return { kind, bits: Uint32Array.from({ length: Math.ceil(width / 32) }, () => random.next() * 2 ** 32) };
  }
  if (kind === "allow") return { kind, tokens: tokens(), force: random.chance(0.5) };
  if (kind === "only") return { kind, tokens: random.chance(0.5) ? Int32Array.of(2, 3, 4) : tokens() };
  if (kind === "edit") {
    const how = random.pick(["add", "set", "scale", "lift", "grow"] as const);
    const list = tokens();
    return { kind, how, tokens: list, values: Float32Array.from(list, () => random.pick([-Infinity, -1.5, 0.3, 1.2, 2])) };
  }
  const how = random.pick(warpers);
  return { kind: "warp", how, value: random.pick(values[how]), minTokensToKeep: random.pick([1, 1, 1, 2, 7]) };
}

function makeGroup(random: Seeded, rowCount: number, width: number): SamplingGroup {
  const count = random.pick([1, 1, 1, 2, 3]);
  const rows = Array.from({ length: count }, () => random.integer(0, rowCount - 1));
  const steps = rows.map(() => Array.from({ length: random.integer(0, 4) }, () => makeStep(random, width)));
  const pick = random.pick(["argmax", "draw", "draw", "draw", "top", "score"] as const);
  const stream: RandomStream = random.chance(0.5)
    ? torchStream(random.integer(0, 3))
    : { kind: "counter", seed: random.integer(0, 2 ** 40), position: random.integer(0, 2 ** 40) };
  const picks = pick === "argmax" ? 1 : pick === "score" ? count : random.pick([1, 1, 1, 2, 8, 40]);
  return {
    rows,
    steps,
    guides: rows.map(() => random.integer(0, rowCount - 1)),
    ...(random.chance(0.3) && { bias: rows.map(() => -3 * random.next()) }),
    pick,
    count: Math.min(picks, count * width),
    ...(pick === "draw" && { stream, offset: random.pick([0, 1, 2 * width, 6 * width, 1_000_003]) }),
    ...(pick === "score" && { target: rows.map(() => random.integer(0, width - 1)) }),
    ...(random.chance(0.4) && { logprobs: random.pick([0, 1, 5, 300]) }),
    ...(random.chance(0.2) && { report: random.pick([1, 7, 400]) }),
  };
}

describe("native sampling", () => {
  it.each(Array.from({ length: seeds }, (_, seed) => seed))("gives what the chain gives, to the bit: seed %i", async (seed) => {
    const random = seeded(seed);
    const width = random.pick([5, 63, 300, 2100, 2100, 5003]);
    const rows = Array.from({ length: random.integer(1, 3) }, () => makeRow(random, width));
    const groups = Array.from({ length: 4 }, () => makeGroup(random, rows.length, width));
    for (const group of groups) {
      const said = `seed ${seed}, width ${width}: ${JSON.stringify({ ...group, stream: group.stream?.kind })}`;
      let expected: unknown;
      try {
        expected = sampleByChain(rows, [group]);
      } catch (error) {
        if (!TsumugiError.isInstance(error)) throw error;
        await expect(sampleNatively(rows, [group]), said).rejects.toThrow(error.message);
        continue;
      }
      expect(await sampleNatively(rows, [group]), said).toEqual(expected);
    }
  });

  it("samples many groups of one step at once", async () => {
    const random = seeded(99);
    const rows = Array.from({ length: 8 }, () => Float32Array.from({ length: 3000 }, () => 8 * random.next()));
    const warp = (how: WarperName, value: number): SamplingStep => ({ kind: "warp", how, value, minTokensToKeep: 1 });
    const stream = torchStream(7);
    const groups = rows.map(
      (_, row): SamplingGroup => ({
        rows: [row],
        steps: [[warp("temperature", 0.8), warp("topK", 400), warp("topP", 0.9)]],
        pick: "draw",
        count: 1,
        stream,
        offset: 6000 * row,
      }),
    );
    expect(await sampleNatively(rows, groups)).toEqual(sampleByChain(rows, groups));
  });
});
