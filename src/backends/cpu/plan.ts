import { TsumugiError } from "../../errors.ts";
import type { PartLayout } from "../../ops/definition.ts";
import type { Model, ProgramOp, Weight } from "../../ops/program.ts";
import { opDefinition } from "../../ops/registry.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { Limits, MemoryPlan } from "../backend.ts";
import { holdingCodes, type WeightHolding, weightHoldings } from "../weight-holding.ts";
import { type NativePart, type NativePlan, type NativeWeight, nativeAddon, weightKinds } from "./addon.ts";
import { checkLimits } from "./check-limits.ts";
import { type CompiledPrograms, compilePrograms, partIndex } from "./compile-programs.ts";

/** A model made ready for the addon. */
export interface CompiledModel {
  native: NativePlan;
  memory: MemoryPlan;
  kept: CompiledPrograms["kept"];
  /** What each weight is held as. */
  holdings: readonly WeightHolding[];
}

/**
 * Adds to a model's programs the memory that they take. `programs` is what `compilePrograms` has made of the same model and
 * limits; the number of blocks may differ.
 */
export function compileModel(
  model: Model,
  limits: Limits,
  blockTokens: number,
  workers: number,
  programs: CompiledPrograms = compilePrograms(model, limits),
): CompiledModel {
  checkLimits(model, limits);
  const holdings = weightHoldings(model, limits.weights);
  const { kept, ...compiled } = programs;
  const { decode, encode } = model.programs;
  const native: NativePlan = {
    ...compiled,
    workers,
    maxTokens: limits.maxTokens,
    maxSequences: limits.maxSequences,
    maxLogitRows: limits.maxLogitRows,
    weights: model.weights.map((weight, index) => planWeight(weight, holdings[index]!, limits)),
    parts: planParts(model, limits, blockTokens, [...decode.ops, ...(encode?.ops ?? [])]),
  };
  return { native, memory: countMemory(native, blockTokens), kept, holdings };
}

/** Layout of each state part, as the ops that read it head by head say: keys transposed, values not. Slots are plain floats. */
function planParts(model: Model, limits: Limits, blockTokens: number, ops: readonly ProgramOp[]): NativePart[] {
  const index = partIndex(model);
  const native: (NativePart | undefined)[] = [];
  for (const op of ops) {
    const layouts = opDefinition(op.op).parts?.(op.attributes) ?? [];
    op.state?.parts.forEach((part, position) => {
      const layout = layouts[position];
      if (!layout) return;
      const planned = planPart(op, model, limits, part, layout);
      const at = index(op.state!.state, part);
      const before = native[at];
      if (
        before &&
        (before.heads !== planned.heads || before.dim !== planned.dim || before.transposed !== planned.transposed)
      ) {
        throw new TsumugiError("op_unsupported", {
          op: `${op.op} on one state part in two layouts`,
          known: "one layout per part",
        });
      }
      native[at] = planned;
    });
  }
  model.states.forEach((state, number) => {
    state.parts.forEach(({ name, shape }, part) => {
      if (state.kind === "slot") {
        const dim = Math.ceil(elementCount(shape) / blockTokens);
        const blocks = limits.blocks[state.name]!;
        native[index(number, part)] = { state: number, transposed: true, bfloat16: false, int8: false, heads: 1, dim, blocks };
      }
      if (!native[index(number, part)]) {
        throw new TsumugiError("op_unsupported", { op: `state part ${name} that no attend reads`, known: "keys and values" });
      }
    });
  });
  return native as NativePart[];
}

function planPart(op: ProgramOp, model: Model, limits: Limits, part: number, { role, heads, dim }: PartLayout): NativePart {
  const state = model.states[op.state!.state]!;
  const { name, shape, type } = state.parts[part]!;
  if (elementCount(shape) !== heads * dim) {
    const what = `values per token of ${name}`;
    throw new TsumugiError("op_invalid", { op: op.op, what, expected: heads * dim, given: shape });
  }
  return {
    state: op.state!.state,
    transposed: role === "key",
    bfloat16: type === "cache" && limits.cache === "bfloat16",
    int8: type === "cache" && limits.cache === "int8",
    heads,
    dim,
    blocks: limits.blocks[state.name]!,
  };
}

function planWeight(weight: Weight, holding: WeightHolding, { activation }: Limits): NativeWeight {
  const { shape, uses, type } = weight;
  const { arithmetic, int8Threshold } = holding;
  if (uses.includes("vector")) {
    const rounds = activation === "bfloat16" && type !== "float32";
    const size = { groups: 1, rows: 1, columns: elementCount(shape) };
    return { kind: weightKinds.vector, storage: "float32", arithmetic: "float32", ...size, rounds };
  }
  const columns = shape.at(-1)!;
  const layout = holdingCodes(weight, holding);
  const kind = layout || uses.includes("matmul") ? weightKinds.packed : weightKinds.rows;
  const groups = kind === weightKinds.packed && shape.length === 3 ? shape[0]! : 1;
  const size = {
    ...{ groups, rows: elementCount(shape) / columns / groups, columns },
    ...(int8Threshold !== undefined && { int8Threshold }),
  };
  if (!layout) return { kind, storage: holding.storage, arithmetic, ...size, rounds: false };
  const { bits, group, ...codes } = layout;
  const native = { ...codes, group: group === "row" ? 0 : group };
  return { kind, storage: bits === 4 ? "code4" : "code8", codes: native, arithmetic, ...size, rounds: false };
}

function countMemory(plan: NativePlan, blockTokens: number): MemoryPlan {
  const addon = nativeAddon();
  const { scratchKernels } = addon;
  const asking = plan.ops.filter(({ name }) => scratchKernels.includes(name));
  const align = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const weightBytes = ({ kind, storage, groups, rows, columns, codes }: NativeWeight) =>
    kind === weightKinds.packed
      ? groups * addon.packedBytes(storage, rows, columns, codes)
      : rows * columns * (storage === "float32" ? 4 : 2);
  const weights = plan.weights.reduce((sum, weight) => sum + align(weightBytes(weight)), 0);
  const blockBytes = ({ transposed, dim, heads, bfloat16, int8 }: NativePart) => {
    const stride = transposed ? dim : Math.ceil(dim / 16) * 16;
    return align((int8 ? stride + 4 : stride * (bfloat16 ? 2 : 4)) * blockTokens * heads);
  };
  const gaps = new Map(plan.parts.map(({ state, blocks }) => [state, 64 * blocks]));
  const cache = plan.parts.reduce(
    (sum, part) => sum + blockBytes(part) * part.blocks,
    [...gaps.values()].reduce((sum, bytes) => sum + bytes, 0),
  );
  const outputs = plan.keptFloats.reduce((sum, floats) => sum + floats * 4, 0);
  // two steps may hold their outputs at once
  const workspace = plan.workspaceBytes + addon.workspaceBytes({ ...plan, ops: asking }) + 2 * outputs;
  return { weights, cache, workspace, total: weights + cache + workspace };
}
