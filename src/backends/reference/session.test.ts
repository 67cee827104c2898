import { beforeAll, describe, expect, it } from "vitest";
import { buildModel, withAttentions, withHiddenStates } from "../../models/index.ts";
import type { Model } from "../../ops/program.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { Batch, Limits, Session, WeightSource } from "../backend.ts";
import { createReferenceBackend } from "./index.ts";

const config = {
  model_type: "qwen2",
  vocab_size: 40,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  use_sliding_window: true,
  sliding_window: 6,
  max_window_layers: 1,
};

/** Weights from a small generator, the same in every run. */
function randomSource(model: Model): WeightSource {
  let seed = 7;
  const next = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 1073741824 - 1;
  };
  const data = new Map(
    model.weights.map(({ name, shape }) => [name, Float32Array.from({ length: elementCount(shape) }, () => next() * 0.8)]),
  );
  return {
    tensors: () =>
      model.weights.map(({ name, shape }) => ({ name, shape, dtype: "float32" as const, bytes: 4 * elementCount(shape) })),
    locate: (name) => new Uint8Array(data.get(name)!.buffer),
  };
}

const model = buildModel(config);
const backend = createReferenceBackend();
const limits: Limits = {
  maxTokens: 32,
  maxSequences: 4,
  maxLogitRows: 32,
  blocks: { cache: 12, cache_window_6: 12 },
  weights: "float32",
  activation: "float32",
  cache: "float32",
  taps: [],
};
const open = (change: Partial<Limits> = {}) => backend.prepare(model, randomSource(model), { ...limits, ...change });

interface Chunk {
  tokens: readonly number[];
  computed: number;
  size: number;
  blocks: readonly number[];
}

/** A batch of chunks of sequences; every state uses the same blocks. Rows: every token. */
function batchOf(chunks: readonly Chunk[], copies: Batch["copies"] = []): Batch {
  const start = (sizes: readonly number[]) =>
    Int32Array.from([0, ...sizes].map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0)));
  const flat = (pick: (chunk: Chunk, position: number) => number) =>
    Int32Array.from(chunks.flatMap((chunk) => Array.from({ length: chunk.size }, (_, i) => pick(chunk, chunk.computed + i))));
  const tokenIds = flat(({ tokens }, position) => tokens[position]!);
  return {
    tokenIds,
    positions: flat((_, position) => position),
    sequenceStart: start(chunks.map(({ size }) => size)),
    promptLength: Int32Array.from(chunks.map(({ tokens }) => tokens.length)),
    logitRows: Int32Array.from(tokenIds, (_, i) => i),
    states: model.states.map(() => ({
      tableStart: start(chunks.map(({ blocks }) => blocks.length)),
      table: Int32Array.from(chunks.flatMap(({ blocks }) => blocks)),
      length: Int32Array.from(chunks.map(({ computed, size }) => computed + size)),
    })),
    copies,
  };
}

async function logits(session: Session, batch: Batch): Promise<number[][]> {
  const step = session.run(batch);
  try {
    const rows = [...batch.logitRows.keys()];
    const data = await session.read(step, "logits", rows);
    return rows.map((row) => [...data.subarray(row * 40, (row + 1) * 40)]);
  } finally {
    session.release(step);
  }
}

const a = [3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 8];
const b = [27, 18, 28, 18, 2, 8];
let aloneA: number[][];
let aloneB: number[][];
beforeAll(async () => {
  const session = await open();
  aloneA = await logits(session, batchOf([{ tokens: a, computed: 0, size: a.length, blocks: [0, 1, 2] }]));
  aloneB = await logits(session, batchOf([{ tokens: b, computed: 0, size: b.length, blocks: [3, 4] }]));
  await session.dispose();
});

describe("a ragged batch", () => {
  it("gives each sequence what it gets alone, in any chunks and blocks", async () => {
    const session = await open();
    const first = await logits(
      session,
      batchOf([
        { tokens: a, computed: 0, size: 5, blocks: [7, 2] },
        { tokens: b, computed: 0, size: 6, blocks: [0, 9] },
      ]),
    );
    const second = await logits(session, batchOf([{ tokens: a, computed: 5, size: 6, blocks: [7, 2, 11] }]));
    expect([...first.slice(0, 5), ...second]).toEqual(aloneA);
    expect(first.slice(5)).toEqual(aloneB);
    await session.dispose();
  });

  it("shares blocks, and copies on write before anything else", async () => {
    const session = await open();
    const fork = [...a.slice(0, 6), 30, 31];
    const alone = await logits(session, batchOf([{ tokens: fork, computed: 0, size: 8, blocks: [8, 9] }]));
    await logits(session, batchOf([{ tokens: a, computed: 0, size: 6, blocks: [0, 1] }]));
    const copies = model.states.map((_, state) => ({ state, from: 1, to: 5 }));
    const both = await logits(
      session,
      batchOf(
        [
          { tokens: a, computed: 6, size: 5, blocks: [0, 1, 2] },
          { tokens: fork, computed: 6, size: 2, blocks: [0, 5] },
        ],
        copies,
      ),
    );
    expect(both).toEqual([...aloneA.slice(6), ...alone.slice(6)]);
    await session.dispose();
  });

  it("copies its input before it returns", async () => {
    const session = await open();
    const batch = batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]);
    const step = session.run(batch);
    batch.tokenIds.fill(0);
    batch.states[0]!.table.fill(-1);
    expect([...(await session.read(step, "logits", [5]))]).toEqual(aloneB[5]);
    await session.dispose();
  });
});

describe("a session", () => {
  it("rounds the cache and matrices to what the limits say", async () => {
    for (const change of [{ cache: "bfloat16" }, { weights: "bfloat16" }, { weights: "float16" }] as const) {
      const session = await open(change);
      const [rows] = [await logits(session, batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]))];
      const difference = Math.max(...rows.flatMap((row, r) => row.map((value, i) => Math.abs(value - aloneB[r]![i]!))));
      expect(difference).toBeGreaterThan(1e-6);
      expect(difference).toBeLessThan(0.2);
      await session.dispose();
    }
  });
});

describe("a step", () => {
  it("picks from the step's rows", async () => {
    const session = await open();
    const step = session.run(batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]));
    const [picks] = await session.sample(step, [{ rows: [5], steps: [[]], pick: "argmax", count: 1 }]);
    const best = aloneB[5]!.indexOf(Math.max(...aloneB[5]!));
    expect([...picks!.tokens]).toEqual([best]);
    await expect(session.sample(step, [{ rows: [6], steps: [[]], pick: "argmax", count: 1 }])).rejects.toThrow("0 to 5");
    await expect(session.read(step, "attention", [0])).rejects.toThrow("attention");
    expect(await session.read(step, "hidden", [0, 5])).toHaveLength(32);
    session.release(step);
    await expect(session.read(step, "logits", [0])).rejects.toMatchObject({ code: "internal" });
    expect(() => session.release(step)).toThrow(expect.objectContaining({ code: "internal" }));
    await session.dispose();
  });

  it("keeps the outputs that were asked for", async () => {
    const named = withAttentions(withHiddenStates(model));
    for (const [taps, reads, kept] of [
      [["hidden"], [], ["logits", "hidden"]],
      [[], ["hidden.1", "attention.0"], ["logits", "hidden.1", "attention.0"]],
      [[], undefined, ["logits", "hidden", "hidden.0", "hidden.1", "attention.0", "attention.1"]],
    ] as const) {
      const session = await backend.prepare(named, randomSource(model), { ...limits, taps });
      const step = session.run(batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]), "decode", reads);
      const given = async (name: string) => (await session.read(step, name, [5]).catch(() => [])).length > 0;
      for (const name of ["logits", "hidden", "hidden.0", "hidden.1", "attention.0", "attention.1"]) {
        expect([name, await given(name)]).toEqual([name, (kept as readonly string[]).includes(name)]);
      }
      expect([...(await session.read(step, "logits", [5]))]).toEqual(aloneB[5]);
      await session.dispose();
    }
  });

  it("fails one step without harming the next, and nothing after dispose", async () => {
    const session = await open();
    const bad = session.run(batchOf([{ tokens: [99], computed: 0, size: 1, blocks: [0] }]));
    const good = session.run(batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]));
    await expect(session.read(bad, "logits", [0])).rejects.toMatchObject({ code: "batch_invalid" });
    expect([...(await session.read(good, "logits", [5]))]).toEqual(aloneB[5]);
    await session.dispose();
    expect(() => session.run(batchOf([{ tokens: b, computed: 0, size: 6, blocks: [0, 1] }]))).toThrow(
      expect.objectContaining({ code: "disposed" }),
    );
  });
});

describe("the cache, where the batch says something else,", () => {
  it("refuses rows that no step wrote", async () => {
    const session = await open();
    await expect(logits(session, batchOf([{ tokens: a, computed: 6, size: 2, blocks: [0, 1] }]))).rejects.toThrow(
      "no step wrote",
    );
    await session.dispose();
  });

  it("refuses rows of a block's former owner", async () => {
    const session = await open();
    await logits(session, batchOf([{ tokens: a, computed: 0, size: 8, blocks: [0, 1] }]));
    await logits(session, batchOf([{ tokens: b, computed: 0, size: 2, blocks: [0] }]));
    await expect(logits(session, batchOf([{ tokens: b, computed: 3, size: 1, blocks: [0] }]))).rejects.toThrow("no step wrote");
    await session.dispose();
  });

  it("reads blocks freed behind the window in the windowed state only", async () => {
    const session = await open();
    await logits(session, batchOf([{ tokens: a, computed: 0, size: 10, blocks: [0, 1, 2] }]));
    const batch = batchOf([{ tokens: a, computed: 10, size: 1, blocks: [0, 1, 2] }]);
    batch.states[1]!.table[0] = -1;
    expect(await logits(session, batch)).toEqual([aloneA[10]]);
    batch.states[0]!.table[0] = -1;
    await expect(logits(session, batch)).rejects.toMatchObject({ code: "batch_invalid" });
    await session.dispose();
  });
});

describe("a batch that contradicts itself", () => {
  const good = () =>
    batchOf([
      { tokens: a, computed: 0, size: 5, blocks: [0, 1] },
      { tokens: b, computed: 0, size: 6, blocks: [2, 3] },
    ]);
  it.each<[string, (batch: Batch) => unknown]>([
    ["a token id outside the vocabulary", ({ tokenIds }) => tokenIds.set([40], 3)],
    ["positions with a gap", ({ positions }) => positions.set([4], 3)],
    ["an empty sequence", ({ sequenceStart }) => sequenceStart.set([0], 1)],
    ["sequenceStart short of T", ({ sequenceStart }) => sequenceStart.set([10], 2)],
    ["logit rows out of order", ({ logitRows }) => logitRows.set([0], 1)],
    ["a logit row beyond T", ({ logitRows }) => logitRows.set([11], 10)],
    ["a wrong length", ({ states }) => states[0]!.length.set([7], 1)],
    ["a table that is too short", ({ states }) => states[0]!.tableStart.set([1], 1)],
    ["a block beyond the limit", ({ states }) => states[0]!.table.set([12], 1)],
    ["one block written by two sequences", ({ states }) => states[1]!.table.set([1], 2)],
    ["a prompt length of 0", ({ promptLength }) => promptLength.set([0], 0)],
    ["a missing state", ({ states }) => ({ states: states.slice(1) })],
    ["a copy onto itself", () => ({ copies: [{ state: 0, from: 1, to: 1 }] })],
    ["a copy of a block that is not there", () => ({ copies: [{ state: 0, from: 12, to: 1 }] })],
    ["a copy in a state that is not there", () => ({ copies: [{ state: 2, from: 0, to: 1 }] })],
  ])("is refused: %s", async (_, change) => {
    const session = await open();
    const batch = good();
    await expect(logits(session, { ...batch, ...(change(batch) as Partial<Batch> | undefined) })).rejects.toMatchObject({
      code: "batch_invalid",
    });
    await session.dispose();
  });

  it("is refused: more tokens or sequences than the limits", async () => {
    for (const change of [{ maxTokens: 10 }, { maxSequences: 1 }, { maxLogitRows: 10 }]) {
      const session = await open(change);
      await expect(logits(session, good())).rejects.toMatchObject({ code: "batch_invalid" });
      await session.dispose();
    }
  });
});

describe("plan", () => {
  it("counts bytes", () => {
    const plan = backend.plan(model, randomSource(model), limits);
    expect(plan.weights).toBe(4 * model.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0));
    // 2 layers of keys and values, 2 heads of 4, 12 blocks of 4 tokens
    expect(plan.cache).toBe(2 * 2 * 8 * 48 * 4);
    expect(plan.total).toBe(plan.weights + plan.cache + plan.workspace);
  });
  it("refuses limits that make no sense", () => {
    for (const change of [{ maxTokens: 0 }, { blocks: { cache: 1 } }, { taps: ["attention"] }]) {
      expect(() => backend.plan(model, randomSource(model), { ...limits, ...change })).toThrow(
        expect.objectContaining({ code: "limits_invalid" }),
      );
    }
  });
  it("reports progress and stops on a signal", async () => {
    const seen: number[] = [];
    const session = await backend.prepare(model, randomSource(model), limits, {
      onProgress: ({ loadedBytes, totalBytes }) => void seen.push(loadedBytes / totalBytes),
    });
    expect(seen.at(-1)).toBe(1);
    await session.dispose();
    await expect(backend.prepare(model, randomSource(model), limits, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });
});
