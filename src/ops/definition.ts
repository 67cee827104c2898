import type { FloatDType } from "../tensor/dtype.ts";
import { type AttributeSchema, type AttributeValues, checkAttributes } from "./attributes.ts";
import type { Attributes, Dimension } from "./program.ts";

/** A tensor as a reference implementation sees it: float32 values, row-major. */
export interface ReferenceTensor {
  shape: readonly number[];
  data: Float32Array;
  /** Type that matrices of the checkpoint are held in; absent: float32. */
  storage?: FloatDType;
  /** Of a matrix: what a product reads in place of rows of x; absent: x. */
  input?: ((x: Float32Array) => Float32Array) | undefined;
}

/** Ragged batch fields that ops may read; the same arrays as `Batch` in backends/backend.ts. */
export interface ReferenceBatch {
  /** [T] token ids. */
  tokenIds: Int32Array;
  /** [T] index of the token in its sequence, padding not counted. */
  positions: Int32Array;
  /** [S + 1] first row of each sequence. */
  sequenceStart: Int32Array;
  /** [S] prompt length (dynamic RoPE). */
  promptLength: Int32Array;
  /** [S] added to the length that a token rotates with. Default 0. */
  rotaryLead?: Int32Array;
  /** [S] pads in front of the sequence, for ops that count them as positions; absent: none. */
  padding?: Int32Array;
  /** [R] ascending rows whose logits are wanted. */
  logitRows: Int32Array;
}

/**
 * Rows of one part of a state, addressed by sequence of the batch and position. A slot state has one row of a sequence, at
 * position 0: `read` gives it as it was before the step (zeros at the start of a sequence).
 */
export interface ReferenceStatePart {
  /** Values per token. */
  width: number;
  /** Stores one token's values (rounded to the cache's type). */
  write(sequence: number, position: number, values: Float32Array): void;
  /** A copy or view of one token's values; the position must have been written and not freed. */
  read(sequence: number, position: number): Float32Array;
  /** Tokens of the sequence after this step; of a cross state, of the encoder's input. */
  length(sequence: number): number;
}

/** What a reference implementation is given. Inputs and outputs have their first dimension resolved. */
export interface ReferenceContext<Values = Attributes> {
  inputs: readonly ReferenceTensor[];
  outputs: readonly ReferenceTensor[];
  /** undefined for an absent optional weight. */
  weights: readonly (ReferenceTensor | undefined)[];
  state: readonly ReferenceStatePart[];
  attributes: Values;
  batch: ReferenceBatch;
  /** Rounds a number inside an op to the type of activations; outputs are rounded after it. */
  round(value: number): number;
  /** Whether `round` does anything. */
  rounds: boolean;
  /** Of `attend`: told for each token's row and each head which share each position from `first` on has in the answer. */
  onShares?: (row: number, head: number, first: number, shares: Float32Array) => void;
}

type Shapes = readonly (readonly Dimension[])[];
type WeightShapes = readonly (readonly number[] | undefined)[];

/** How a part of a state is made of heads, for the backend that lays it out. */
export interface PartLayout {
  /** Keys meet queries along a head's dimensions, values are summed along tokens: backends hold them in different orders. */
  role: "key" | "value";
  heads: number;
  /** Values of one head. */
  dim: number;
}

/** What an op's file says of it. `attributes` come checked and with their defaults. */
interface OpDescription<Name extends string, Schema extends AttributeSchema> {
  name: Name;
  /** Default: the op has none. */
  attributes?: Schema;
  /** Output shapes from input shapes, weight shapes and attributes; throws TsumugiError on a mismatch. */
  shapes(inputs: Shapes, weights: WeightShapes, attributes: AttributeValues<Schema>): Dimension[][];
  /** Fills `outputs` (or the state). */
  reference(context: ReferenceContext<AttributeValues<Schema>>): void;
  /** How each part of a state is made, for an op that reads them head by head. */
  parts?(attributes: AttributeValues<Schema>): PartLayout[];
  /** Shapes of values that a kernel works in; it finds them behind its outputs. */
  workspace?(inputs: Shapes, weights: WeightShapes, attributes: AttributeValues<Schema>): Dimension[][];
  /**
   * An op without inputs whose output a kernel takes as one more input. It is computed once in a step for all ops that ask
   * for it with equal attributes.
   */
  table?(attributes: AttributeValues<Schema>): { op: string; attributes: Attributes };
  /** An op of two inputs that a kernel of this one can do in the same pass: the other input becomes one more of this one. */
  absorbs?: string;
}

/** An op: its name, its attributes, its shape rule, and a slow, plain TypeScript reference that is the oracle for every kernel. */
export interface OpDefinition<Name extends string = string, Schema extends AttributeSchema = AttributeSchema> {
  readonly name: Name;
  readonly attributes: Schema;
  /**
   * The attributes of one op of a program, checked, with their defaults: once for each object. Throws `op_invalid`.
   * The methods below call it with what they are given.
   */
  values(given: Attributes): AttributeValues<Schema>;
  shapes(inputs: Shapes, weights: WeightShapes, given: Attributes): Dimension[][];
  reference(context: ReferenceContext): void;
  parts?(given: Attributes): PartLayout[];
  workspace?(inputs: Shapes, weights: WeightShapes, given: Attributes): Dimension[][];
  table?(given: Attributes): { op: string; attributes: Attributes };
  readonly absorbs?: string;
}

/** An op's definition from what its file says. */
export function defineOp<const Name extends string, const Schema extends AttributeSchema = Record<never, never>>(
  op: OpDescription<Name, Schema>,
): OpDefinition<Name, Schema> {
  const schema = op.attributes ?? ({} as Schema);
  const known = new WeakMap<Attributes, AttributeValues<Schema>>();
  const values = (given: Attributes) => {
    let checked = known.get(given);
    if (!checked) {
      checked = checkAttributes(op.name, schema, given) as AttributeValues<Schema>;
      known.set(given, checked);
    }
    return checked;
  };
  const { parts, workspace, table, absorbs } = op;
  return {
    name: op.name,
    attributes: schema,
    values,
    shapes: (inputs, weights, given) => op.shapes(inputs, weights, values(given)),
    reference: (context) => op.reference({ ...context, attributes: values(context.attributes) }),
    ...(parts && { parts: (given: Attributes) => parts(values(given)) }),
    ...(workspace && {
      workspace: (inputs: Shapes, weights: WeightShapes, given: Attributes) => workspace(inputs, weights, values(given)),
    }),
    ...(table && { table: (given: Attributes) => table(values(given)) }),
    ...(absorbs !== undefined && { absorbs }),
  };
}
