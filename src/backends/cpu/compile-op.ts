import { TsumugiError } from "../../errors.ts";
import type { Attributes, Dimension, EncodeProgram, Model, Program, ProgramOp } from "../../ops/program.ts";
import { opDefinition, ops } from "../../ops/registry.ts";
import { addonFile, type NativeOp, nativeAddon } from "./addon.ts";
import { staleAddon } from "./missing-addon.ts";

export type AnyProgram = Program | EncodeProgram;

/** An op as it goes to the addon, without what is the same for all ops. */
export type FlatOp = Omit<NativeOp, "rounds">;

/**
 * Makes a program's ops ready for the addon. The values that kernels work in stand behind their outputs, a table that several
 * ops read is computed once, and ops that one kernel does in one pass become one. New values are added to `values`.
 *
 * @throws TsumugiError `op_invalid` where shapes or attributes break an op's rules, `op_unsupported` for an op without a kernel
 */
export function compileOps(
  model: Model,
  program: AnyProgram,
  values: { shape: readonly Dimension[] }[],
  partIndex: (state: number, part: number) => number,
  rounds: boolean,
): FlatOp[] {
  const kernels = new Set(nativeAddon().kernels);
  const tables = new Map<string, number>();
  const flat: FlatOp[] = [];
  for (const op of program.ops) {
    if (!kernels.has(op.op)) throw noKernel(op.op, kernels);
    flat.push(...compileOp(op, model, program, values, partIndex, tables));
  }
  return absorb(flat, program, rounds);
}

/** An op that this code knows has a kernel in the sources beside it, so that an addon without one is of other sources. */
function noKernel(op: string, kernels: ReadonlySet<string>): TsumugiError {
  if (ops.has(op)) return staleAddon(addonFile(), `it has no kernel for \`${op}\``);
  return new TsumugiError("op_unsupported", { op, known: [...kernels].join(", ") });
}

/** Gives the op, and before it the table that it reads where that is not computed yet. */
function compileOp(
  op: ProgramOp,
  model: Model,
  program: AnyProgram,
  values: { shape: readonly Dimension[] }[],
  partIndex: (state: number, part: number) => number,
  tables: Map<string, number>,
): FlatOp[] {
  const definition = opDefinition(op.op);
  const inputs = op.inputs.map((value) => program.values[value]!.shape);
  const weights = op.weights.map((id) => (id < 0 ? undefined : model.weights[id]!.shape));
  checkOutputs(op, definition.shapes(inputs, weights, op.attributes), program);
  const workspace = definition.workspace?.(inputs, weights, op.attributes) ?? [];
  const flat: FlatOp = {
    name: op.op,
    inputs: [...op.inputs],
    outputs: [...op.outputs, ...workspace.map((shape) => values.push({ shape }) - 1)],
    weights: [...op.weights],
    parts: op.state ? op.state.parts.map((part) => partIndex(op.state!.state, part)) : [],
    attributes: nativeAttributes(definition.values(op.attributes)),
  };
  const table = definition.table?.(op.attributes);
  if (!table) return [flat];
  const key = JSON.stringify(table);
  const known = tables.get(key);
  if (known !== undefined) {
    flat.inputs.push(known);
    return [flat];
  }
  const made = opDefinition(table.op);
  const [shape] = made.shapes([], [], table.attributes);
  const value = values.push({ shape: shape! }) - 1;
  tables.set(key, value);
  flat.inputs.push(value);
  const attributes = nativeAttributes(made.values(table.attributes));
  return [{ name: table.op, inputs: [], outputs: [value], weights: [], parts: [], attributes }, flat];
}

/** Checks the op's shape rule, because the addon trusts the program after this. */
function checkOutputs(op: ProgramOp, shapes: readonly (readonly Dimension[])[], program: AnyProgram): void {
  op.outputs.forEach((value, index) => {
    const given = program.values[value]!.shape;
    const expected = shapes[index];
    if (given.length !== expected?.length || given.some((dimension, axis) => dimension !== expected[axis])) {
      throw new TsumugiError("op_invalid", { op: op.op, what: `shape of output ${index}`, expected, given });
    }
  });
}

function nativeAttributes(attributes: Attributes): NativeOp["attributes"] {
  const native: NativeOp["attributes"] = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    native[name] = typeof value === "object" ? Float64Array.from(value) : value;
  }
  return native;
}

/** Turns add(residual, linear(x)) into linear(x, residual), which makes the same sums in the same order in one pass less. */
function absorb(ops: readonly FlatOp[], program: AnyProgram, rounds: boolean): FlatOp[] {
  const outputs = new Set(Object.values(program.outputs));
  const uses = new Map<number, number>();
  for (const { inputs } of ops) for (const value of inputs) uses.set(value, (uses.get(value) ?? 0) + 1);
  const result: FlatOp[] = [];
  for (const op of ops) {
    const before = result.at(-1);
    const product = before?.outputs[0];
    const isNext = before !== undefined && product !== undefined && opDefinition(before.name).absorbs === op.name;
    if (isNext && before.inputs.length === 1) {
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
