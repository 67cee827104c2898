import { attend } from "../../ops/attend.ts";
import type { ReferenceContext, ReferenceTensor } from "../../ops/definition.ts";

/**
 * What `attend` gives each position, [T, heads · K]. It is computed once, when it is asked for, from what the op has read. K is
 * the most positions of any token. Positions that a token does not attend to have 0.
 */
export function sharesOf(context: ReferenceContext): () => ReferenceTensor {
  let tensor: ReferenceTensor | undefined;
  return () => {
    tensor ??= compute(context);
    return tensor;
  };
}

function compute(context: ReferenceContext): ReferenceTensor {
  const found: { row: number; head: number; first: number; shares: Float32Array }[] = [];
  const outputs = context.outputs.map(({ shape, data }) => ({ shape, data: new Float32Array(data.length) }));
  attend.reference({ ...context, outputs, onShares: (row, head, first, shares) => found.push({ row, head, first, shares }) });
  const tokens = context.batch.tokenIds.length;
  const heads = Number(context.attributes.heads);
  // a loop, because tokens × heads are more entries than a call takes as arguments
  let positions = 0;
  for (const { first, shares } of found) positions = Math.max(positions, first + shares.length);
  const data = new Float32Array(tokens * heads * positions);
  for (const { row, head, first, shares } of found) data.set(shares, (row * heads + head) * positions + first);
  return { shape: [tokens, heads * positions], data };
}

/** Copies the context with the rows of its state as they are now. */
export function keepState(context: ReferenceContext): ReferenceContext {
  const { batch, state } = context;
  const sequences = [...batch.promptLength.keys()];
  return {
    ...context,
    state: state.map((part) => {
      const rows = sequences.map((sequence) =>
        Array.from({ length: part.length(sequence) }, (_, position) => part.read(sequence, position).slice()),
      );
      return { ...part, read: (sequence, position) => rows[sequence]![position]! };
    }),
  };
}
