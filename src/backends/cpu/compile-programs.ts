import type { Dimension, Model } from "../../ops/program.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { Limits } from "../backend.ts";
import { type NativePlan, type NativeValue, rowKinds } from "./addon.ts";
import { type Lifetime, placeBuffers } from "./arena.ts";
import { checkLimits } from "./check-limits.ts";
import { type AnyProgram, compileOps, type FlatOp } from "./compile-op.ts";

/** What the addon runs of a model's programs. It does not depend on the number of blocks and threads. */
export interface CompiledPrograms extends Pick<NativePlan, "values" | "ops" | "encodeFrom" | "workspaceBytes" | "keptFloats"> {
  /** Outputs that a step keeps, by name: index, and the letter of their rows. "logits" is number 0. */
  kept: ReadonlyMap<string, { index: number; rows: Dimension; width: number }>;
}

/** Compiles a model's programs, in a time that is linear in their ops. `limits.blocks` does not matter. */
export function compilePrograms(model: Model, limits: Limits): CompiledPrograms {
  checkLimits(model, limits);
  const { decode: program, encode } = model.programs;
  const keptNames = [...new Set(["logits", ...limits.taps])];
  const keptValues = [...new Set(keptNames.map((name) => program.outputs[name]!))];
  const kept: CompiledPrograms["kept"] = new Map(
    keptNames.map((name) => {
      const { shape } = program.values[program.outputs[name]!]!;
      const index = keptValues.indexOf(program.outputs[name]!);
      return [name, { index, rows: shape[0]!, width: elementCount(shape.slice(1).map(Number)) }];
    }),
  );
  const decoder = compileProgram(model, program, limits, keptValues);
  const encoder = encode && compileProgram(model, encode, limits, []);
  // one list of values: the encoder's stand behind the decoder's
  const moved = (value: number) => value + decoder.values.length;
  const encoderOps = (encoder?.ops ?? []).map((op) => ({
    ...op,
    inputs: op.inputs.map(moved),
    outputs: op.outputs.map(moved),
  }));
  return {
    kept,
    values: [...decoder.values, ...(encoder?.values ?? [])],
    ops: [...decoder.ops, ...encoderOps].map((op) => ({ ...op, rounds: limits.activation === "bfloat16" })),
    encodeFrom: decoder.ops.length,
    workspaceBytes: Math.max(decoder.bytes, encoder?.bytes ?? 0),
    keptFloats: keptValues.map(decoder.floats),
  };
}

/** The place of a state's part in `NativePlan.parts`. */
export function partIndex(model: Model): (state: number, part: number) => number {
  const first: number[] = [];
  let count = 0;
  for (const state of model.states) {
    first.push(count);
    count += state.parts.length;
  }
  return (state, part) => first[state]! + part;
}

/** A program's ops, its values with their places in the workspace, and the bytes that these take. */
function compileProgram(model: Model, program: AnyProgram, limits: Limits, keptValues: readonly number[]) {
  const rounds = limits.activation === "bfloat16";
  const logits = "logits" in program.outputs ? program.outputs.logits : -1;
  const values: { shape: readonly Dimension[] }[] = [...program.values];
  const ops = compileOps(model, program, values, partIndex(model), rounds);
  const order = new Map(keptValues.map((value, index) => [value, index]));
  const sizes = { T: limits.maxTokens, S: limits.maxSequences, R: limits.maxLogitRows };
  const shaped: NativeValue[] = values.map(({ shape }, value) => {
    const [rows, ...rest] = shape;
    return {
      kind: typeof rows === "string" ? rowKinds[rows] : rowKinds.fixed,
      rows: typeof rows === "number" ? rows : 0,
      width: elementCount(rest.map(Number)),
      offset: 0,
      kept: order.get(value) ?? -1,
      rounds: rounds && (value === logits || program.values[value]?.type === "activation"),
    };
  });
  const floats = (value: number) => {
    const rows = values[value]!.shape[0]!;
    return (typeof rows === "number" ? rows : sizes[rows]) * shaped[value]!.width;
  };
  const lifetimes = lifetimesOf(ops, values.length, (value) => (shaped[value]!.kept >= 0 ? 0 : floats(value) * 4));
  const arena = placeBuffers(lifetimes);
  for (const [value, offset] of arena.offsets.entries()) shaped[value]!.offset = offset;
  return { ops, values: shaped, floats, bytes: arena.bytes };
}

/** Finds when each value is first written and last read, in one pass over the ops. Values of no bytes have no lifetime. */
function lifetimesOf(ops: readonly FlatOp[], count: number, bytesOf: (value: number) => number): Lifetime[] {
  const lifetimes: Lifetime[] = Array.from({ length: count }, () => ({ bytes: 0, first: 0, last: 0 }));
  const isUsed = new Set<number>();
  ops.forEach(({ inputs, outputs }, index) => {
    for (const value of [...inputs, ...outputs]) {
      const life = lifetimes[value]!;
      if (!isUsed.has(value)) {
        isUsed.add(value);
        life.bytes = bytesOf(value);
        life.first = index;
      }
      life.last = index;
    }
  });
  return lifetimes.map((life) => (life.bytes > 0 ? life : { bytes: 0, first: 0, last: 0 }));
}
