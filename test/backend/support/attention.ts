import { noise, ProgramBuilder } from "./programs.ts";

export interface AttentionShape {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  valueHeadDim: number;
  window?: number;
  chunk?: number;
  softcap?: number;
  slopes?: readonly number[];
  roundedSlopes?: boolean;
  sinks?: readonly number[];
  /** Row of the biases for each distance. */
  buckets?: readonly number[];
  unroundedScores?: boolean;
  scaleQuery?: boolean;
  fusedScores?: boolean;
  causal?: boolean;
}

/** Attention over its own cache, with queries, keys and values picked by token id. */
export function attentionModel(shape: AttentionShape, outliers = false) {
  const { sinks, ...attributes } = shape;
  const { heads, keyValueHeads, headDim, valueHeadDim, chunk, window = chunk } = shape;
  const builder = new ProgramBuilder();
  builder.states.push({
    name: "cache",
    kind: "paged",
    window,
    parts: [
      { name: "key", shape: [keyValueHeads, headDim], type: "cache" },
      { name: "value", shape: [keyValueHeads, valueHeadDim], type: "cache" },
    ],
  });
  const q = rotated(builder, builder.input(heads * headDim, 1, outliers), heads, headDim);
  const k = rotated(builder, builder.input(keyValueHeads * headDim, 2), keyValueHeads, headDim);
  const v = builder.input(keyValueHeads * valueHeadDim, 3, outliers);
  const state = { state: 0, parts: [0, 1] };
  builder.op("store", [k, v], undefined);
  builder.ops.at(-1)!.state = state;
  const scale = 2 / Math.sqrt(headDim);
  const weights = sinks ? [builder.weight([heads], ["vector"], Float32Array.from(sinks))] : [];
  if (shape.buckets) {
    const rows = Math.max(...shape.buckets) + 1;
    if (!sinks) weights.push(-1);
    weights.push(builder.weight([rows, heads], ["vector"], noise(rows * heads, 9)));
  }
  const out = builder.op("attend", [q], ["T", heads * valueHeadDim], { ...attributes, scale }, weights);
  builder.ops.at(-1)!.state = state;
  return builder.model(out);
}

function rotated(builder: ProgramBuilder, x: number, heads: number, headDim: number): number {
  const rotaryDim = headDim % 2 === 0 ? headDim : headDim - 1;
  if (rotaryDim === 0) return x;
  const frequencies = Array.from({ length: rotaryDim / 2 }, (_, i) => Math.fround(1 / 10000 ** ((2 * i) / rotaryDim)));
  const attributes = { heads, headDim, rotaryDim, interleaved: false, frequencies, scaling: 1 };
  return builder.op("rotary", [x], ["T", heads * headDim], attributes);
}

/** A small decoder layer with everything in it: norms, grouped attention, gated MLP, tied head. */
export function layerModel(hidden = 48, vocabulary = 64) {
  const builder = new ProgramBuilder();
  const [heads, keyValueHeads, headDim, inner] = [4, 2, 16, 80];
  builder.states.push({
    name: "cache",
    kind: "paged",
    parts: [
      { name: "key", shape: [keyValueHeads, headDim], type: "cache" },
      { name: "value", shape: [keyValueHeads, headDim], type: "cache" },
    ],
  });
  const matrix = (rows: number, columns: number, seed: number) => {
    const values = noise(rows * columns, seed).map((value) => value / Math.sqrt(columns));
    return builder.weight([rows, columns], ["matmul"], values);
  };
  const linear = (x: number, rows: number, columns: number, seed: number) =>
    builder.op("linear", [x], ["T", rows], {}, [matrix(rows, columns, seed), -1]);
  const norm = (x: number, seed: number) =>
    builder.op("rms_norm", [x], ["T", hidden], { epsilon: 1e-6 }, [builder.weight([hidden], ["vector"], noise(hidden, seed))]);

  const table = builder.weight([vocabulary, hidden], ["matmul", "gather"], noise(vocabulary * hidden, 1));
  const x = builder.op("embed", [], ["T", hidden], {}, [table]);
  const normed = norm(x, 2);
  const q = rotated(builder, linear(normed, heads * headDim, hidden, 3), heads, headDim);
  const k = rotated(builder, linear(normed, keyValueHeads * headDim, hidden, 4), keyValueHeads, headDim);
  const v = linear(normed, keyValueHeads * headDim, hidden, 5);
  const state = { state: 0, parts: [0, 1] };
  builder.op("store", [k, v], undefined);
  builder.ops.at(-1)!.state = state;
  const attributes = { heads, keyValueHeads, headDim, valueHeadDim: headDim, scale: 0.25 };
  const attended = builder.op("attend", [q], ["T", heads * headDim], attributes);
  builder.ops.at(-1)!.state = state;
  const after = builder.op("add", [x, linear(attended, hidden, heads * headDim, 6)], ["T", hidden]);
  const second = norm(after, 7);
  const gate = linear(second, inner, hidden, 8);
  const up = linear(second, inner, hidden, 9);
  const product = builder.op("gated_activation", [gate, up], ["T", inner], { kind: "silu" });
  const end = builder.op("add", [after, linear(product, hidden, inner, 10)], ["T", hidden]);
  const last = builder.op("linear", [norm(end, 11)], ["T", vocabulary], {}, [table, -1]);
  return builder.model(last, vocabulary);
}
