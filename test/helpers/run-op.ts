import type { ReferenceBatch, ReferenceStatePart, ReferenceTensor } from "../../src/ops/definition.ts";
import type { Attributes } from "../../src/ops/program.ts";
import { opDefinition } from "../../src/ops/registry.ts";
import { elementCount } from "../../src/tensor/dtype.ts";

export function tensor(shape: number[], data: ArrayLike<number>): ReferenceTensor {
  return { shape, data: Float32Array.from(data) };
}

/** A batch of sequences, each given by its first position and its token ids. */
export function batchOf(
  sequences: readonly { first?: number; tokens: readonly number[]; promptLength?: number }[],
  logitRows: readonly number[] = [],
): ReferenceBatch {
  const starts = [0];
  for (const { tokens } of sequences) starts.push(starts.at(-1)! + tokens.length);
  return {
    tokenIds: Int32Array.from(sequences.flatMap(({ tokens }) => tokens)),
    positions: Int32Array.from(sequences.flatMap(({ first = 0, tokens }) => tokens.map((_, i) => first + i))),
    sequenceStart: Int32Array.from(starts),
    promptLength: Int32Array.from(
      sequences.map(({ first = 0, tokens, promptLength }) => promptLength ?? first + tokens.length),
    ),
    logitRows: Int32Array.from(logitRows),
  };
}

/** A state part in memory that remembers what was written where. */
export function memoryPart(width: number): ReferenceStatePart & { rows: Map<string, Float32Array> } {
  const rows = new Map<string, Float32Array>();
  return {
    width,
    rows,
    write: (sequence, position, values) => void rows.set(`${sequence}:${position}`, values.slice()),
    read(sequence, position) {
      const row = rows.get(`${sequence}:${position}`);
      if (!row) throw new Error(`nothing at ${sequence}:${position}`);
      return row;
    },
    length: (sequence) => [...rows.keys()].filter((key) => key.startsWith(`${sequence}:`)).length,
  };
}

/** Runs an op's reference, with outputs of the shapes that its shape rule gives. */
export function runOp(
  name: string,
  options: {
    inputs?: readonly ReferenceTensor[];
    weights?: readonly (ReferenceTensor | undefined)[];
    state?: readonly ReferenceStatePart[];
    attributes?: Attributes;
    batch?: ReferenceBatch;
    /** What `round` is where activations are bfloat16. Default: float32. */
    round?: (value: number) => number;
  },
): number[][] {
  const { inputs = [], weights = [], state = [], attributes = {}, batch = batchOf([{ tokens: [0] }]) } = options;
  const op = opDefinition(name);
  const sizes = { T: batch.tokenIds.length, S: batch.promptLength.length, R: batch.logitRows.length };
  const shapes = op.shapes(
    inputs.map(({ shape }) => ["T" as const, ...shape.slice(1)]),
    weights.map((weight) => weight?.shape),
    attributes,
  );
  // elementwise ops keep whatever number of rows they get
  const rows = inputs[0]?.shape[0];
  const outputs = shapes.map((shape) => {
    const resolved = shape.map((d) => (d === "T" && rows !== undefined ? rows : typeof d === "number" ? d : sizes[d]));
    return { shape: resolved, data: new Float32Array(elementCount(resolved)) };
  });
  const { round } = options;
  op.reference({
    inputs,
    outputs,
    weights,
    state,
    attributes,
    batch,
    round: round ?? ((value) => value),
    rounds: round !== undefined,
  });
  return outputs.map(({ data }) => [...data]);
}

/** Element by element, within an absolute and relative tolerance. */
export function isClose(got: readonly number[], want: readonly number[], tolerance = 1e-6): boolean {
  return (
    got.length === want.length &&
    want.every((value, i) => Math.abs(value - got[i]!) <= tolerance * Math.max(1, Math.abs(value)))
  );
}
