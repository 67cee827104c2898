import { TsumugiError } from "../../errors.ts";
import type { Attributes, Dimension, Model, ProgramOp } from "../../ops/program.ts";
import { routeScores } from "../../ops/route.ts";

/**
 * Attributes of an op as the list of numbers that its kernel documents (native/kernels/*.cc).
 *
 * @throws TsumugiError `op_unsupported` for an op that has no native kernel
 */
export function opNumbers({ op, attributes }: ProgramOp, width: number): number[] {
  const compile = compilers[op];
  if (!compile) throw new TsumugiError("op_unsupported", { op, known: Object.keys(compilers).join(", ") });
  const known = knownAttributes[op] ?? [];
  const extra = Object.keys(attributes).find((name) => attributes[name] !== undefined && !known.includes(name));
  if (extra)
    throw new TsumugiError("op_unsupported", { op: `${op} with attribute ${extra}`, known: known.join(", ") || "none" });
  return compile(attributes, width);
}

const number = (attributes: Attributes, name: string, otherwise = 0): number => {
  const value = attributes[name];
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" ? value : otherwise;
};

/** In the order of `Activation` in native/include/vector_kernels.h. */
const activations = [
  "silu",
  "gelu",
  "gelu_tanh",
  "quick_gelu",
  "relu",
  "relu2",
  "relu6",
  "sigmoid",
  "tanh",
  "linear",
  "gelu_new",
  "gelu_fast",
  "gelu_10",
  "hardswish",
  "leaky_relu",
  "laplace",
  "mish",
];

function kind(op: string, attributes: Attributes): number[] {
  const index = activations.indexOf(String(attributes.kind));
  if (index < 0)
    throw new TsumugiError("op_unsupported", { op: `${op} of kind ${String(attributes.kind)}`, known: activations.join(", ") });
  return [index];
}

const deltaSizes = ["keyHeads", "valueHeads", "keyHeadDim", "valueHeadDim"];

const compilers: { [op: string]: (attributes: Attributes, width: number) => number[] } = {
  embed: (a) => [number(a, "scale", 1), number(a, "otherwise", -1), number(a, "roundScale")],
  embed_position: (a) => [number(a, "offset")],
  wave_position: (a) => [number(a, "offset"), number(a, "padding")],
  linear: (a) => [number(a, "roundProduct")],
  rms_norm: (a, width) => [
    number(a, "epsilon"),
    number(a, "unitOffset"),
    number(a, "groupSize", width),
    number(a, "roundOnce"),
    number(a, "roundInput"),
  ],
  layer_norm: (a, width) => [number(a, "epsilon"), number(a, "groupSize", width), number(a, "unitOffset")],
  rotary: (a) => [
    number(a, "heads"),
    number(a, "headDim"),
    number(a, "rotaryDim") / 2,
    number(a, "interleaved"),
    a.wide ? 1 : 0,
  ],
  store: () => [],
  attend: (a) => [
    ...["heads", "keyValueHeads", "headDim", "valueHeadDim", "scale", "window", "softcap"].map((name) => number(a, name)),
    number(a, "causal", 1),
    number(a, "chunk"),
    number(a, "roundedSlopes"),
    number(a, "wideScores"),
    number(a, "scaleQuery"),
    number(a, "fusedScores"),
  ],
  add: () => [],
  multiply: () => [],
  clamp: (a) => [number(a, "least"), number(a, "greatest")],
  scale: (a) => [number(a, "factor")],
  scale_by_position: (a) => ["strength", "length", "offset", "countsPadding", "roundFactor"].map((name) => number(a, name)),
  xielu: () => [],
  activation: (a) => kind("activation", a),
  gated_activation: (a) => [...kind("gated_activation", a), number(a, "wideGate")],
  rows: () => [],
  columns: (a) => [number(a, "first")],
  weighted_sum: (a) => [number(a, "first"), number(a, "offset")],
  match_magnitude: (a) => [number(a, "epsilon")],
  gaussian_cut: (a) => [number(a, "deviations")],
  scale_rows: () => [],
  route: (a) => [
    number(a, "count"),
    (routeScores as readonly unknown[]).indexOf(a.score),
    number(a, "normalize"),
    number(a, "factor", 1),
    number(a, "groups", 1),
    number(a, "topGroups", number(a, "groups", 1)),
    number(a, "groupsByBest"),
  ],
  experts: (a) => [
    ...kind("experts", a),
    ...["interleaved", "limit", "upOffset", "scaleInput", "wideShares"].map((name) => number(a, name)),
  ],
  head_linear: () => [],
  join_heads: (a) => [number(a, "heads")],
  causal_convolution: () => [],
  selective_scan: () => [],
  gated_delta: (a) => deltaSizes.map((name) => number(a, name)),
};

const knownAttributes: { [op: string]: readonly string[] } = {
  embed: ["scale", "otherwise", "roundScale"],
  linear: ["roundProduct"],
  embed_position: ["offset"],
  wave_position: ["width", "offset", "padding", "frequencies"],
  rms_norm: ["epsilon", "unitOffset", "groupSize", "roundOnce", "roundInput"],
  layer_norm: ["epsilon", "groupSize", "unitOffset"],
  rotary: [
    "heads",
    "headDim",
    "rotaryDim",
    "interleaved",
    "frequencies",
    "scaling",
    "dynamicBase",
    "dynamicFactor",
    "dynamicOriginalLength",
    "longFrequencies",
    "longLength",
    "wide",
  ],
  attend: [
    "heads",
    "keyValueHeads",
    "headDim",
    "valueHeadDim",
    "scale",
    "window",
    "softcap",
    "slopes",
    "causal",
    "buckets",
    "chunk",
    "roundedSlopes",
    "wideScores",
    "scaleQuery",
    "fusedScores",
  ],
  clamp: ["least", "greatest"],
  columns: ["first", "count"],
  weighted_sum: ["first", "offset"],
  match_magnitude: ["epsilon"],
  gaussian_cut: ["deviations"],
  scale: ["factor"],
  scale_by_position: ["strength", "length", "offset", "countsPadding", "roundFactor"],
  activation: ["kind"],
  gated_activation: ["kind", "wideGate"],
  route: ["count", "score", "normalize", "factor", "groups", "topGroups", "groupsByBest"],
  experts: ["kind", "interleaved", "limit", "upOffset", "scaleInput", "wideShares"],
  join_heads: ["heads"],
  gated_delta: deltaSizes,
};

/** Shapes of the values that a kernel works in, beside its inputs and outputs; it finds them behind its outputs. */
export function opWorkspace(op: ProgramOp, model: Model): Dimension[][] {
  if (op.op !== "experts") return [];
  const [experts, both, hidden] = model.weights[op.weights[0]!]!.shape as [number, number, number];
  const { values } = model.programs.decode;
  const [rows, count] = values[op.inputs[1]!]!.shape as [Dimension, number];
  // gathered rows (and results), gate and up, where each pick stands, where each expert's picks begin
  const widths = [count * hidden, count * both, count];
  return [...widths.map((width): Dimension[] => [rows, width]), [experts + 1]];
}

/** The table of cosines and sines that a rotary op reads: equal keys share one table. */
export function rotaryTable(attributes: Attributes): { key: string; numbers: number[]; frequencies: number[]; width: number } {
  const long = (attributes.longFrequencies ?? []) as readonly number[];
  const frequencies = [...(attributes.frequencies as readonly number[]), ...long];
  const names = ["scaling", "dynamicBase", "dynamicFactor", "dynamicOriginalLength", "longLength"];
  const numbers = [number(attributes, "rotaryDim") / 2, ...names.map((name) => number(attributes, name))];
  numbers.push(attributes.wide === "all" ? 1 : 0);
  return { key: JSON.stringify([numbers, frequencies]), numbers, frequencies, width: number(attributes, "rotaryDim") };
}
