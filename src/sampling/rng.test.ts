import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { seededState, wordsOf } from "./mersenne-twister.ts";
import { negativeLog } from "./negative-log.ts";
import { exponentials, type RandomStream } from "./random-stream.ts";
import { leaseRandom, setSeed, torchStream } from "./rng.ts";

const range = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

describe("MersenneTwister", () => {
  test("gives the words of the published generator, in any order", () => {
    const words = wordsOf(seededState(5489));
    expect(words.word(0)).toBe(3499211612);
    expect(words.word(9999)).toBe(4123659995); // the C++ standard's check value
    const far = words.word(3_000_000);
    expect(words.word(1)).toBe(581869302);
    expect(words.word(3_000_000)).toBe(far);
    expect(words.word(0)).toBe(3499211612);
  });

  test("keeps few snapshots however far it goes", () => {
    const words = wordsOf(seededState(1));
    const value = words.word(6_000_000);
    words.word(12_000_000);
    expect(words.word(6_000_000)).toBe(value);
  });
});

test("negativeLog agrees with the engine's own logarithm within a few units of the last place", () => {
  let worst = 0;
  for (let i = 1; i < 20_000; i++) {
    for (const n of [i, 2 ** 53 - i * i, i * 123456789, Math.floor((i / 20_000) * 2 ** 53)]) {
      const expected = n > 2 ** 52 ? -Math.log1p(-(2 ** 53 - n) / 2 ** 53) : -Math.log(n / 2 ** 53);
      worst = Math.max(worst, Math.abs(negativeLog(n) - expected) / expected / Number.EPSILON);
    }
  }
  expect(worst).toBeLessThan(4);
  expect(negativeLog(2 ** 53)).toBeCloseTo(0, 300);
});

describe("torchStream", () => {
  // torch 2.13: torch.manual_seed(seed); torch.empty(40000).exponential_(1)
  test.each([
    [0, "d002b13c68b1c7889009ccb26686613fe2824f6feed60f9898e54510ad687b99"],
    [42, "b656d6371ccf5360e37ab845471d9f4224bbc34434da2e05b4466f198ea90c9e"],
    [123456789, "93ea8dbf4804133c88ca82c2ef14d48fe4d2a11e9e2bfb71c439e91663a59dac"],
    [4294967295, "9c8e7cbddb87a43d21822d0421e855fa1bbc63b128ce95169f48947e01ab596b"],
  ])("seed %d draws what torch draws, bit by bit", (seed, sha256) => {
    const values = new Float32Array(40_000);
    exponentials(torchStream(seed), 0, range(40_000), values);
    expect(createHash("sha256").update(values).digest("hex")).toBe(sha256);
  });

  test("a row's variates do not depend on the order rows are drawn in", () => {
    const stream = torchStream(9);
    const all = new Float32Array(5000);
    exponentials(stream, 0, range(5000), all);
    const few = new Float32Array(3);
    exponentials(stream, 2 * 1000, Int32Array.of(5, 70, 999), few);
    expect(Array.from(few)).toEqual([all[1005], all[1070], all[1999]]);
  });
});

describe("leaseRandom", () => {
  const first = (stream: RandomStream) => {
    const out = new Float32Array(1);
    exponentials(stream, 0, Int32Array.of(0), out);
    return out[0];
  };

  test("calls on the seeded generator queue, and the next starts where the last ended", async () => {
    setSeed(11);
    const one = await leaseRandom(undefined);
    const two = leaseRandom(undefined);
    let started = false;
    void two.then(() => {
      started = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(started).toBe(false);
    one.release(10);
    const expected = new Float32Array(1);
    exponentials(torchStream(11), 10, Int32Array.of(0), expected);
    const lease = await two;
    expect(first(lease.stream)).toBe(expected[0]);
    lease.release(0);
    setSeed(11);
    const again = await leaseRandom(undefined);
    expect(first(again.stream)).toBe(first(one.stream));
    again.release(0);
  });

  test("a call with a seed of its own waits for nobody", async () => {
    setSeed(1);
    const held = await leaseRandom(undefined);
    const own = await leaseRandom(11);
    own.release(0);
    held.release(0);
  });

  test("refuses what is not a seed", () => {
    expect(() => setSeed(-1)).toThrow("`setSeed` must be a whole number from 0 to 4294967295. Given: -1.");
    expect(() => setSeed(1.5)).toThrow("1.5");
  });
});
