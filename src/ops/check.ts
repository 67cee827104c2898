import { TsumugiError } from "../errors.ts";
import type { Dimension } from "./program.ts";

/** Throws `op_invalid` ("[op] what: expected …, given …") unless the condition holds. */
export function check(condition: boolean, op: string, what: string, expected: unknown, given: unknown): asserts condition {
  if (!condition) throw new TsumugiError("op_invalid", { op, what, expected, given });
}

export function checkCounts(
  op: string,
  inputs: readonly unknown[],
  expectedInputs: number,
  weights: readonly unknown[],
  expectedWeights: number,
): void {
  check(inputs.length === expectedInputs, op, "number of inputs", expectedInputs, inputs.length);
  check(weights.length === expectedWeights, op, "number of weights (absent ones counted)", expectedWeights, weights.length);
}

/** The last dimension of an input, which is never ragged. */
export function width(op: string, what: string, shape: readonly Dimension[]): number {
  const last = shape.at(-1);
  check(typeof last === "number", op, `last dimension of ${what}`, "a number", last ?? "a scalar");
  return last;
}

/** An input of shape [T | R | S, width]. */
export function checkRows(op: string, what: string, shape: readonly Dimension[], expectedWidth?: number): number {
  check(shape.length === 2 && typeof shape[0] === "string", op, `shape of ${what}`, "[rows, width]", shape);
  const given = width(op, what, shape);
  if (expectedWidth !== undefined) check(given === expectedWidth, op, `width of ${what}`, expectedWidth, given);
  return given;
}

/** A vector weight of a given length; absent is fine. */
export function checkVector(op: string, what: string, shape: readonly number[] | undefined, length: number): void {
  if (shape !== undefined) check(shape.length === 1 && shape[0] === length, op, `shape of ${what}`, [length], shape);
}

export function sameShape(a: readonly Dimension[], b: readonly Dimension[]): boolean {
  return a.length === b.length && a.every((dimension, index) => dimension === b[index]);
}
