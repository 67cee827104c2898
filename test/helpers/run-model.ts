import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backend, Batch, Limits, Session } from "../../src/backends/backend.ts";
import { holdAsStored } from "../../src/backends/weight-holding.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import type { Model } from "../../src/ops/program.ts";
import type { FloatDType } from "../../src/tensor/dtype.ts";

/** The checkpoints that tests carry. */
export const fixtures = join(import.meta.dirname, "../fixtures/models");

/** What Python transformers answers on a checkpoint. */
export interface Golden {
  forward: { input_ids: number[]; logits: number[][]; argmax: number[] };
  greedy: { input_ids: number[]; new_ids: number[] }[];
}

export async function readGolden(name: string): Promise<Golden> {
  return JSON.parse(await readFile(join(fixtures, name, "golden.json"), "utf8")) as Golden;
}

/** A checkpoint that tests carry, open, and its model. */
export async function openFixture(name: string): Promise<{ model: Model; checkpoint: Checkpoint }> {
  const directory = join(fixtures, name);
  const checkpoint = await openCheckpoint(directory);
  const model = await loadModel(JSON.parse(await readFile(join(directory, "config.json"), "utf8")), checkpoint);
  return { model, checkpoint };
}

/** A model on a backend, with room for one sequence. */
export interface Running {
  model: Model;
  session: Session;
  dispose(): Promise<void>;
}

export async function runFixture(
  backend: Backend,
  name: string,
  options: { tokens?: number; dtype?: FloatDType } = {},
): Promise<Running> {
  const { tokens = 128, dtype = "float32" } = options;
  const { model, checkpoint } = await openFixture(name);
  const blocks = Math.ceil(tokens / backend.blockTokens) + 1;
  const limits: Limits = {
    maxTokens: tokens,
    maxSequences: 1,
    maxLogitRows: tokens,
    blocks: Object.fromEntries(model.states.map(({ name: state }) => [state, blocks])),
    weights: model.weights.map((weight) => holdAsStored(weight, dtype)),
    activation: dtype === "bfloat16" ? "bfloat16" : "float32",
    cache: dtype === "float32" ? "float32" : "bfloat16",
    taps: [],
  };
  const session = await backend.prepare(model, checkpoint, limits, { threads: 1 });
  return {
    model,
    session,
    async dispose() {
      await session.dispose();
      await checkpoint.close();
    },
  };
}

/**
 * Feeds a sequence in chunks and returns the logits of every position. Blocks are given out in descending order, and
 * freed behind the window, so that a wrong table shows.
 */
export async function chunkedLogits(
  { model, session }: Running,
  tokens: readonly number[],
  chunks: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  let computed = 0;
  for (const size of chunks) {
    const step = session.run(batchOf(model, session.blockTokens, tokens, computed, size));
    const logits = await session.read(step, "logits", [...Array(size).keys()]);
    session.release(step);
    for (let row = 0; row < size; row++) rows.push(logits.slice(row * model.vocabularySize, (row + 1) * model.vocabularySize));
    computed += size;
  }
  return rows;
}

function batchOf(model: Model, blockTokens: number, tokens: readonly number[], computed: number, size: number): Batch {
  const end = computed + size;
  const positions = Int32Array.from({ length: size }, (_, i) => computed + i);
  const blocks = Math.ceil(tokens.length / blockTokens);
  return {
    tokenIds: Int32Array.from(tokens.slice(computed, end)),
    positions,
    sequenceStart: Int32Array.of(0, size),
    promptLength: Int32Array.of(tokens.length),
    logitRows: Int32Array.from({ length: size }, (_, i) => i),
    states: model.states.map(({ window, kind }) => {
      if (kind === "slot") return { tableStart: Int32Array.of(0, 1), table: Int32Array.of(1), length: Int32Array.of(end) };
      const oldest = window === undefined ? 0 : Math.max(0, computed - window + 1);
      const entries = Math.ceil(end / blockTokens);
      const table = Int32Array.from({ length: entries }, (_, i) => ((i + 1) * blockTokens <= oldest ? -1 : blocks - 1 - i));
      return { tableStart: Int32Array.of(0, entries), table, length: Int32Array.of(end) };
    }),
    copies: [],
  };
}

/** Greatest difference, relative to the largest logit of all. */
export function relativeError(got: readonly Float32Array[], want: readonly (readonly number[])[]): number {
  const scale = Math.max(...want.flat().map(Math.abs));
  let error = got.length === want.length ? 0 : Number.POSITIVE_INFINITY;
  want.forEach((row, r) => {
    row.forEach((value, i) => {
      const difference = Math.abs(value - (got[r]?.[i] ?? Number.NaN));
      error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference / scale);
    });
  });
  return error;
}
