import type { ActivationKind } from "../ops/activation-kinds.ts";
import type { WeightOrigin } from "../ops/program.ts";
import type { routeScores } from "../ops/route.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { linear } from "./linear.ts";
import { gatedMlp } from "./mlp.ts";

/** Tensors of a weight, in one layout of checkpoints or another. */
export interface WeightLayouts {
  from: readonly WeightOrigin[];
  alternatives?: readonly (readonly WeightOrigin[])[];
}

export interface RouterOptions {
  /** The checkpoint's module path. */
  module: string;
  /** Another module that may hold the router's matrix: files of transformers 5 or older ones. */
  otherModule?: string;
  /** How many experts a token goes through. */
  count: number;
  bias?: boolean;
  /** How router logits become scores. */
  score: (typeof routeScores)[number];
  /** Divide the weights of the chosen by their sum. */
  normalize?: boolean;
  /** Factor of the weights, applied last. Default 1. */
  factor?: number;
  /** Experts form this many groups, and are chosen only from the best of them. */
  groups?: number;
  topGroups?: number;
  /** The best groups are those with the greatest score, instead of the greatest sum of two. */
  groupsByBest?: boolean;
  /** A tensor [experts] that is added to the scores when experts are chosen, and not to their weights. */
  correction?: string;
  /** A tensor [experts]: the weight of each expert is multiplied by it, last. */
  gains?: string;
  /** What it reads, when that is not what the experts read. */
  reads?: Value;
  /** The weights of the chosen stay float32 when activations are bfloat16 (Mixtral). Default false. */
  unroundedShares?: boolean;
  /** Router logits stay float32 when activations are bfloat16 (DeepSeek). Default false. */
  unroundedLogits?: boolean;
}

export interface MixtureOptions {
  /** The checkpoint's module path: of the experts, each a module inside it, or of the module that stacks them. */
  module: string;
  /** The module that transformers 5 stacks the experts in, as `gate_up_proj` and `down_proj`. Default: `module`. */
  stacked?: string;
  experts: number;
  /** Width inside one expert. */
  width: number;
  kind: ActivationKind;
  router: RouterOptions;
  /** [experts, 2 · width, hidden], and [experts, hidden, width]. */
  gateUp: WeightLayouts;
  down: WeightLayouts;
  /** Tensors [experts, 2 · width] and [experts, hidden]. */
  bias?: { gateUp: string; down: string };
  /** Rows of gate and up alternate in the matrix (gpt-oss), instead of all of gate, then all of up. */
  interleaved?: boolean;
  /** The gate is held below this, and up within ±this. */
  limit?: number;
  /** Added to up. */
  upOffset?: number;
  /** The router's weights multiply what experts read, not what they give. */
  scaleInput?: boolean;
}

/** Each token through the experts that the router picks for it: [tokens, hidden] -> [tokens, hidden]. */
export function mixtureOfExperts(program: ProgramBuilder, x: Value, options: MixtureOptions): Value {
  const { module, stacked = module, experts, width, kind, router, bias, interleaved, limit, upOffset, scaleInput } = options;
  const {
    count,
    score,
    normalize,
    factor,
    groups,
    topGroups,
    groupsByBest,
    correction,
    gains,
    reads = x,
    otherModule,
    unroundedShares,
    unroundedLogits,
  } = router;
  const hidden = Number(x.shape.at(-1));
  const matrix = program.weight({
    name: `${router.module}.weight`,
    shape: [experts, hidden],
    ...(otherModule && { alternatives: [[{ tensor: `${otherModule}.weight` }]] }),
    use: "matmul",
  });
  const vector = (name: string, shape: number[], type?: "float32") =>
    program.weight({ name, shape, use: "vector", ...(type && { type }) });
  const shift = router.bias ? vector(`${router.module}.bias`, [experts]) : undefined;
  const logits = program.value("linear", {
    module: router.module,
    inputs: [reads],
    weights: [matrix, shift],
    ...(unroundedLogits && { types: ["float32"] }),
  }); // [tokens, experts]
  const corrections = correction ? vector(correction, [experts], "float32") : undefined;
  const perExpert = [corrections, ...(gains ? [vector(gains, [experts])] : [])];
  const [chosen, shares] = program.emit("route", {
    module: router.module,
    inputs: [logits],
    ...((correction || gains) && { weights: perExpert }),
    attributes: { count, score, normalize, factor, groups, topGroups, groupsByBest },
    types: ["float32", unroundedShares ? "float32" : "activation"],
  }); // [tokens, count] each
  const stack = (name: string, shape: number[], layouts: WeightLayouts) =>
    program.weight({ name: `${module}.${name}`, shape, ...layouts, join: "stack", use: "matmul" });
  return program.value("experts", {
    module,
    part: { experts: [0, experts], stacked },
    inputs: [x, chosen!, shares!],
    weights: [
      stack("gate_up_proj", [experts, 2 * width, hidden], options.gateUp),
      bias && vector(bias.gateUp, [experts, 2 * width]),
      stack("down_proj", [experts, hidden, width], options.down),
      bias && vector(bias.down, [experts, hidden]),
    ],
    attributes: { kind, interleaved, limit, upOffset, scaleInput, unroundedShares },
  });
}

/**
 * The layouts that checkpoints have of experts. Every expert is a module of its own in `module`, and `names` says what its
 * linear layers are called. Or one tensor holds all of them: `fused`.gate_up_proj [experts, 2 · width, hidden] and
 * `fused`.down_proj [experts, hidden, width], or both with the last two axes exchanged (Qwen3-VL).
 */
export function expertLayouts(
  module: string,
  experts: number,
  names: { gate: string; up: string; down: string } = { gate: "gate_proj", up: "up_proj", down: "down_proj" },
  fused = module,
): { gateUp: WeightLayouts; down: WeightLayouts } {
  const each = <T>(make: (expert: number) => T) => Array.from({ length: experts }, (_, expert) => make(expert));
  const own = (expert: number, name: string) => ({ tensor: `${module}.${expert}.${name}.weight` });
  const fusedOf = (name: string) => {
    const tensor = `${fused}.${name}`;
    return [each((index) => ({ tensor, index })), each((index) => ({ tensor, index, transpose: true }))];
  };
  return {
    gateUp: {
      from: each((expert) => [own(expert, names.gate), own(expert, names.up)]).flat(),
      alternatives: fusedOf("gate_up_proj"),
    },
    down: {
      from: each((expert) => own(expert, names.down)),
      alternatives: fusedOf("down_proj"),
    },
  };
}

/** A gated MLP that every token goes through, each times sigmoid(gate · x): [tokens, hidden] -> [tokens, hidden]. */
export function sharedExpert(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; gate: string; width: number; kind: ActivationKind },
): Value {
  const { module, gate, width, kind } = options;
  const given = gatedMlp(program, x, { module, width, kind });
  const openness = linear(program, x, { module: gate, width: 1 }); // [tokens, 1]
  const factor = program.value("activation", { module: gate, inputs: [openness], attributes: { kind: "sigmoid" } });
  return program.value("scale_rows", { module, inputs: [given, factor] });
}
