import { TsumugiError } from "../../errors.ts";
import { opDefinition } from "../../ops/index.ts";
import type { Dimension, EncodeProgram, Model, Program, ProgramOp, Weight } from "../../ops/program.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { Limits, MemoryPlan } from "../backend.ts";
import {
  type NativeOp,
  type NativePart,
  type NativePlan,
  type NativeValue,
  type NativeWeight,
  nativeAddon,
  rowKinds,
  weightKinds,
} from "./addon.ts";
import { placeBuffers } from "./arena.ts";
import { checkLimits } from "./check-limits.ts";
import { opNumbers, opWorkspace, rotaryTable } from "./compile-op.ts";

/** A model made ready for the addon. */
export interface CompiledModel {
  native: NativePlan;
  memory: MemoryPlan;
  /** Outputs that a step keeps, by name: index, and the letter of their rows. "logits" is number 0. */
  kept: ReadonlyMap<string, { index: number; rows: Dimension; width: number }>;
}

/** An op with its inputs and outputs, as it goes to the addon; hidden ops and values included. */
type FlatOp = Omit<NativeOp, "frequencies" | "narrow"> & { frequencies?: number[] };

type AnyProgram = Program | EncodeProgram;

/** Compiles a model's programs, and counts the bytes that it will take. */
export function compileModel(model: Model, limits: Limits, blockTokens: number, workers: number): CompiledModel {
  checkLimits(model, limits);
  const { decode: program, encode } = model.programs;
  const parts = planParts(model, limits, blockTokens, [...program.ops, ...(encode?.ops ?? [])]);
  const weights = model.weights.map((weight) => planWeight(weight, limits));

  const keptNames = [...new Set(["logits", ...limits.taps])];
  const keptValues = [...new Set(keptNames.map((name) => program.outputs[name]!))];
  const kept: CompiledModel["kept"] = new Map(
    keptNames.map((name) => {
      const { shape } = program.values[program.outputs[name]!]!;
      const index = keptValues.indexOf(program.outputs[name]!);
      return [name, { index, rows: shape[0]!, width: elementCount(shape.slice(1).map(Number)) }];
    }),
  );

  const decoder = compileProgram(model, program, limits, parts.index, keptValues);
  const encoder = encode && compileProgram(model, encode, limits, parts.index, []);
  // one list of values: the encoder's stand behind the decoder's
  const moved = (value: number) => value + decoder.values.length;
  const encoderOps = (encoder?.ops ?? []).map((op) => ({
    ...op,
    inputs: op.inputs.map(moved),
    outputs: op.outputs.map(moved),
  }));
  const native: NativePlan = {
    workers,
    maxTokens: limits.maxTokens,
    maxSequences: limits.maxSequences,
    maxLogitRows: limits.maxLogitRows,
    values: [...decoder.values, ...(encoder?.values ?? [])],
    ops: [...decoder.ops, ...encoderOps].map((op) => ({ frequencies: [], ...op, narrow: limits.activation === "bfloat16" })),
    encodeFrom: decoder.ops.length,
    weights,
    parts: parts.native,
    workspaceBytes: Math.max(decoder.bytes, encoder?.bytes ?? 0),
    keptFloats: keptValues.map(decoder.floats),
  };
  return { native, memory: countMemory(native, blockTokens), kept };
}

/** A program's ops, its values with their places in the workspace, and the bytes that these take. */
function compileProgram(
  model: Model,
  program: AnyProgram,
  limits: Limits,
  partIndex: (state: number, part: number) => number,
  keptValues: readonly number[],
) {
  checkShapes(model, program);
  const rounds = limits.activation === "bfloat16";
  const logits = "logits" in program.outputs ? program.outputs.logits : -1;
  const values: { shape: Dimension[] }[] = program.values.map(({ shape }) => ({ shape: [...shape] }));
  const ops = foldResiduals(flatten(model, program, values, partIndex), program, rounds);
  const sizes = { T: limits.maxTokens, S: limits.maxSequences, R: limits.maxLogitRows };
  const shaped: NativeValue[] = values.map(({ shape }, value) => {
    const [rows, ...rest] = shape;
    return {
      kind: typeof rows === "string" ? rowKinds[rows] : rowKinds.fixed,
      rows: typeof rows === "number" ? rows : 0,
      width: elementCount(rest.map(Number)),
      offset: 0,
      kept: keptValues.indexOf(value),
      narrow: rounds && (value === logits || program.values[value]?.type === "activation"),
    };
  });
  const floats = (value: number) => {
    const rows = values[value]!.shape[0]!;
    return (typeof rows === "number" ? rows : sizes[rows]) * shaped[value]!.width;
  };
  const lifetimes = shaped.map(({ kept: output }, value) => {
    const uses = ops.flatMap(({ inputs, outputs }, index) =>
      inputs.includes(value) || outputs.includes(value) ? [index] : [],
    );
    if (output >= 0 || uses.length === 0) return { bytes: 0, first: 0, last: 0 };
    return { bytes: floats(value) * 4, first: uses[0]!, last: uses.at(-1)! };
  });
  const arena = placeBuffers(lifetimes);
  for (const [value, offset] of arena.offsets.entries()) shaped[value]!.offset = offset;
  return { ops, values: shaped, floats, bytes: arena.bytes };
}

/** Every op's shape rule holds: the addon trusts the program after this. */
function checkShapes(model: Model, program: AnyProgram): void {
  for (const op of program.ops) {
    const shapes = opDefinition(op.op).shapes(
      op.inputs.map((value) => program.values[value]!.shape),
      op.weights.map((id) => (id < 0 ? undefined : model.weights[id]!.shape)),
      op.attributes,
    );
    op.outputs.forEach((value, index) => {
      const given = program.values[value]!.shape;
      if (JSON.stringify(given) !== JSON.stringify(shapes[index])) {
        throw new TsumugiError("op_invalid", { op: op.op, what: `shape of output ${index}`, expected: shapes[index], given });
      }
    });
  }
}

function flatten(
  model: Model,
  program: AnyProgram,
  values: { shape: Dimension[] }[],
  partIndex: (state: number, part: number) => number,
): FlatOp[] {
  const tables = new Map<string, number>();
  return program.ops.flatMap((op) => {
    const width = op.inputs.length > 0 ? Number(program.values[op.inputs[0]!]!.shape.at(-1)) : 0;
    const flat: FlatOp = {
      name: op.op,
      inputs: [...op.inputs],
      outputs: [...op.outputs],
      weights: [...op.weights],
      parts: op.state ? op.state.parts.map((part) => partIndex(op.state!.state, part)) : [],
      numbers: opNumbers(op, width),
    };
    flat.outputs.push(...opWorkspace(op, model).map((shape) => values.push({ shape }) - 1));
    if (op.op === "wave_position") flat.frequencies = [...(op.attributes.frequencies as readonly number[])];
    if (op.op === "attend" && op.attributes.slopes) flat.frequencies = [...(op.attributes.slopes as readonly number[])];
    if (op.op === "attend" && op.attributes.buckets) flat.frequencies = [...(op.attributes.buckets as readonly number[])];
    if (op.op !== "rotary") return [flat];
    const { key, numbers, frequencies, width: tableWidth } = rotaryTable(op.attributes);
    const known = tables.get(key);
    if (known !== undefined) {
      flat.inputs.push(known);
      return [flat];
    }
    const table = values.push({ shape: ["T", tableWidth] }) - 1;
    tables.set(key, table);
    flat.inputs.push(table);
    return [{ name: "rotary_table", inputs: [], outputs: [table], weights: [], parts: [], numbers, frequencies }, flat];
  });
}

/** add(residual, linear(x)) becomes linear(x, residual): the same sums in the same order, one pass less. */
function foldResiduals(ops: FlatOp[], program: AnyProgram, rounds: boolean): FlatOp[] {
  const outputs = new Set(Object.values(program.outputs));
  const uses = new Map<number, number>();
  for (const { inputs } of ops) for (const value of inputs) uses.set(value, (uses.get(value) ?? 0) + 1);
  const result: FlatOp[] = [];
  for (const op of ops) {
    const before = result.at(-1);
    const product = before?.outputs[0];
    if (op.name === "add" && before?.name === "linear" && before.inputs.length === 1 && product !== undefined) {
      const other = op.inputs[0] === product ? op.inputs[1]! : op.inputs[0]!;
      // one flag says whether both are rounded
      const alike = !rounds || program.values[product]!.type === program.values[op.outputs[0]!]!.type;
      if (alike && op.inputs.includes(product) && other !== product && uses.get(product) === 1 && !outputs.has(product)) {
        result[result.length - 1] = { ...before, inputs: [before.inputs[0]!, other], outputs: [op.outputs[0]!] };
        continue;
      }
    }
    result.push(op);
  }
  return result;
}

/** Layout of each state part, found from the attend op that reads it: keys transposed, values not. Slots are plain floats. */
function planParts(model: Model, limits: Limits, blockTokens: number, ops: readonly ProgramOp[]) {
  const first: number[] = [];
  let count = 0;
  for (const state of model.states) {
    first.push(count);
    count += state.parts.length;
  }
  const index = (state: number, part: number) => first[state]! + part;
  const native = new Array<NativePart | undefined>(count);
  for (const op of ops) {
    if (op.op !== "attend") continue;
    op.state?.parts.forEach((part, role) => {
      const planned = attendPart(op, model, limits, role, part);
      const at = index(op.state!.state, part);
      const before = native[at];
      if (before && JSON.stringify(before) !== JSON.stringify(planned)) {
        throw new TsumugiError("op_unsupported", {
          op: "attend on one state part in two layouts",
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
        native[index(number, part)] = { state: number, transposed: true, bfloat16: false, heads: 1, dim, blocks };
      }
      if (!native[index(number, part)]) {
        throw new TsumugiError("op_unsupported", { op: `state part ${name} that no attend reads`, known: "keys and values" });
      }
    });
  });
  return { native: native as NativePart[], index };
}

function attendPart(op: ProgramOp, model: Model, limits: Limits, role: number, part: number): NativePart {
  const state = model.states[op.state!.state]!;
  const heads = Number(op.attributes.keyValueHeads);
  const dim = Number(role === 0 ? op.attributes.headDim : op.attributes.valueHeadDim);
  const { name, shape, type } = state.parts[part]!;
  if (elementCount(shape) !== heads * dim) {
    throw new TsumugiError("op_invalid", {
      op: "attend",
      what: `values per token of ${name}`,
      expected: heads * dim,
      given: shape,
    });
  }
  return {
    state: op.state!.state,
    transposed: role === 0,
    bfloat16: type === "cache" && limits.cache === "bfloat16",
    heads,
    dim,
    blocks: limits.blocks[state.name]!,
  };
}

function planWeight({ shape, uses, type }: Weight, { weights: storage, activation }: Limits): NativeWeight {
  if (uses.includes("vector")) {
    const narrow = activation === "bfloat16" && type !== "float32";
    return { kind: weightKinds.vector, storage: "float32", groups: 1, rows: 1, columns: elementCount(shape), narrow };
  }
  const columns = shape.at(-1)!;
  const kind = uses.includes("matmul") ? weightKinds.packed : weightKinds.rows;
  const groups = kind === weightKinds.packed && shape.length === 3 ? shape[0]! : 1;
  return { kind, storage, groups, rows: elementCount(shape) / columns / groups, columns, narrow: false };
}

function countMemory(plan: NativePlan, blockTokens: number): MemoryPlan {
  const addon = nativeAddon();
  const align = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const weightBytes = ({ kind, storage, groups, rows, columns }: NativeWeight) =>
    kind === weightKinds.packed
      ? groups * addon.packedBytes(storage, rows, columns)
      : rows * columns * (storage === "float32" ? 4 : 2);
  const weights = plan.weights.reduce((sum, weight) => sum + align(weightBytes(weight)), 0);
  const cache = plan.parts.reduce((sum, { transposed, dim, heads, blocks, bfloat16 }) => {
    const stride = transposed ? dim : Math.ceil(dim / 16) * 16;
    return sum + align(stride * blockTokens * heads * blocks * (bfloat16 ? 2 : 4));
  }, 0);
  const packed = plan.weights.filter(({ kind }) => kind === weightKinds.packed);
  const attends = plan.ops.filter(({ name }) => name === "attend").map(({ numbers }) => numbers);
  const greatest = (numbers: number[]) => Math.max(1, ...numbers);
  const scratch = addon.workspaceBytes(
    Math.max(plan.maxTokens, plan.maxLogitRows),
    greatest(packed.map(({ columns }) => columns)),
    greatest(packed.map(({ rows }) => rows)),
    plan.workers,
    greatest(attends.map((numbers) => numbers[2]!)),
    greatest(attends.map((numbers) => numbers[3]!)),
    greatest(attends.map((numbers) => numbers[0]! / numbers[1]!)),
  );
  const outputs = plan.keptFloats.reduce((sum, floats) => sum + floats * 4, 0);
  // two steps may hold their outputs at once
  const workspace = plan.workspaceBytes + scratch + 2 * outputs;
  return { weights, cache, workspace, total: weights + cache + workspace };
}
