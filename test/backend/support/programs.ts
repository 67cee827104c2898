import type { Backend, Batch, Limits, Session, WeightSource } from "../../../src/backends/backend.ts";
import type { Attributes, Dimension, Model, ProgramOp, State, Weight, WeightUse } from "../../../src/ops/program.ts";

/** Numbers that repeat: a small linear congruential generator; every 97th value is an outlier. */
export function noise(count: number, seed: number, outliers = false): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: count }, (_, index) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = state / 2 ** 31 - 1;
    return outliers && index % 97 === 41 ? value * 300 : value;
  });
}

export interface TestWeight {
  name: string;
  shape: number[];
  uses: WeightUse[];
  values: Float32Array;
}

/** Weights in memory, as a checkpoint would hold them. */
export function memorySource(weights: readonly TestWeight[]): WeightSource {
  return {
    tensors: () => weights.map(({ name, shape, values }) => ({ name, dtype: "float32", shape, bytes: values.byteLength })),
    locate: (tensor) => {
      const { values } = weights.find(({ name }) => name === tensor)!;
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
    read: async (tensor) => {
      const { values } = weights.find(({ name }) => name === tensor)!;
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
  } as WeightSource;
}

/** Builds a program value by value. The first input of every program is an embedding, because programs have no inputs. */
export class ProgramBuilder {
  readonly values: { shape: Dimension[]; type: "activation" }[] = [];
  readonly ops: ProgramOp[] = [];
  readonly weights: TestWeight[] = [];
  readonly states: State[] = [];

  weight(shape: number[], uses: WeightUse[], values: Float32Array): number {
    const name = `weight${this.weights.length}`;
    return this.weights.push({ name, shape, uses, values }) - 1;
  }

  op(
    op: string,
    inputs: number[],
    shape: Dimension[] | undefined,
    attributes: Attributes = {},
    weights: number[] = [],
  ): number {
    const outputs = shape ? [this.values.push({ shape, type: "activation" }) - 1] : [];
    this.ops.push({ op, module: "", inputs, outputs, weights, attributes });
    return outputs[0] ?? -1;
  }

  /** A [T, width] value whose rows are those of a table, picked by token id. */
  input(width: number, seed: number, outliers = false, tokens = 64): number {
    const table = this.weight([tokens, width], ["gather"], noise(tokens * width, seed, outliers));
    return this.op("embed", [], ["T", width], {}, [table]);
  }

  /** Outputs: `logits` are the rows of `result` that the batch asks for. */
  model(result: number, vocabularySize = 64): { model: Model; source: WeightSource } {
    const shape = this.values[result]!.shape;
    const logits = this.op("rows", [result], ["R", ...shape.slice(1)]);
    const weights: Weight[] = this.weights.map(({ name, shape: size, uses }) => ({
      name,
      shape: size,
      uses,
      from: [{ tensor: name }],
    }));
    const program = { values: this.values, ops: this.ops, outputs: { logits, hidden: result } };
    const model: Model = {
      modelType: "test",
      vocabularySize,
      hiddenSize: Number(shape[1]),
      maxPositions: 1 << 20,
      positionsAreBounded: false,
      programs: { decode: program },
      weights,
      states: this.states,
    };
    return { model, source: memorySource(this.weights) };
  }
}

export const limits: Limits = {
  maxTokens: 512,
  maxSequences: 16,
  maxLogitRows: 512,
  blocks: { cache: 64 },
  weights: "float32",
  activation: "float32",
  cache: "float32",
  taps: [],
};

/** One sequence's part of a step: token ids from a position on. */
export interface Part {
  sequence: number;
  from: number;
  tokens: readonly number[];
}

/** A batch that asks for every row; blocks of sequence s are s·stride, s·stride + 1, … */
export function makeBatch(parts: readonly Part[], states: number, blockTokens: number, stride: number, freed = 0): Batch {
  const lengths = parts.map(({ from, tokens }) => from + tokens.length);
  const sequenceStart = [0];
  for (const { tokens } of parts) sequenceStart.push(sequenceStart.at(-1)! + tokens.length);
  const tableStart = [0];
  const table: number[] = [];
  parts.forEach(({ sequence }, index) => {
    const count = Math.ceil(lengths[index]! / blockTokens);
    for (let block = 0; block < count; block++) table.push(block < freed ? -1 : sequence * stride + block);
    tableStart.push(table.length);
  });
  const state = {
    tableStart: Int32Array.from(tableStart),
    table: Int32Array.from(table),
    length: Int32Array.from(lengths),
  };
  const total = sequenceStart.at(-1)!;
  return {
    tokenIds: Int32Array.from(parts.flatMap(({ tokens }) => [...tokens])),
    positions: Int32Array.from(parts.flatMap(({ from, tokens }) => tokens.map((_, index) => from + index))),
    sequenceStart: Int32Array.from(sequenceStart),
    promptLength: Int32Array.from(lengths),
    logitRows: Int32Array.from({ length: total }, (_, row) => row),
    states: Array.from({ length: states }, () => state),
    copies: [],
  };
}

/** Runs one step and reads all logits. */
export async function runStep(session: Session, batch: Batch): Promise<Float32Array> {
  const step = session.run(batch);
  try {
    return await session.read(
      step,
      "logits",
      Array.from(batch.logitRows, (_, row) => row),
    );
  } finally {
    session.release(step);
  }
}

/** Runs steps one after another in a fresh session and gives all their logits. */
export async function runSteps(
  backend: Backend,
  { model, source }: { model: Model; source: WeightSource },
  steps: readonly (readonly Part[])[],
  given: Partial<Limits> = {},
  freed = 0,
): Promise<Float32Array[]> {
  // blocks of the reference backend hold fewer tokens
  const scale = 32 / backend.blockTokens;
  const session = await backend.prepare(model, source, { ...limits, blocks: { cache: 64 * scale }, ...given });
  try {
    const results: Float32Array[] = [];
    for (const parts of steps) {
      const batch = makeBatch(parts, model.states.length, backend.blockTokens, 8 * scale, freed * scale);
      results.push(await runStep(session, batch));
    }
    return results;
  } finally {
    await session.dispose();
  }
}

/** Greatest difference, relative to the greatest value of `expected`. */
export function difference(given: Float32Array, expected: Float32Array): number {
  if (given.length !== expected.length) return Number.POSITIVE_INFINITY;
  let greatest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    greatest = Math.max(greatest, Math.abs(expected[i]!));
    const apart = Math.abs(given[i]! - expected[i]!);
    if (!(apart <= worst)) worst = apart;
  }
  return worst / Math.max(greatest, 1e-30);
}

/** Token ids 0 to 63 in a fixed disorder. */
export function tokenIds(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, index) => (index * 37 + seed * 11) % 64);
}
