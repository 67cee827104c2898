import type { RowRun } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { type LinearOptions, linear } from "./linear.ts";

/**
 * Options of a linear layer that is a part of the fused `module`: the runs of its rows that are called `name`.
 * `transposed`: the module's weight is stored [in, out] (GPT-2's Conv1D).
 */
export function rowsOf(
  module: string,
  name: string,
  rows: readonly RowRun[],
  { transposed = false }: { transposed?: boolean } = {},
): LinearOptions {
  const from = (parameter: string, axis: number, transpose: boolean) =>
    rows.map(([start, end]) => ({
      tensor: `${module}.${parameter}`,
      slice: { axis, start, end },
      ...(transpose && { transpose }),
    }));
  return {
    module,
    part: { name, rows },
    width: rows.reduce((sum, [start, end]) => sum + end - start, 0),
    weightFrom: from("weight", transposed ? 1 : 0, transposed),
    biasFrom: from("bias", 0, false),
  };
}

/**
 * Query, key and value of one fused module, which holds for each key/value head its query heads, its key and its value
 * in turn (GPT-NeoX, Falcon, BigCode): [tokens, hidden] -> three of [tokens, heads * headDim].
 */
export function groupedQueryKeyValue(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; heads: number; keyValueHeads: number; headDim: number; bias: boolean; roundProduct?: boolean },
): { query: Value; key: Value; value: Value } {
  const { module, heads, keyValueHeads, headDim, bias, roundProduct } = options;
  const group = Math.floor(heads / keyValueHeads);
  const part = (name: string, first: number, count: number) => {
    const runs = Array.from({ length: keyValueHeads }, (_, head) => {
      const start = (head * (group + 2) + first) * headDim;
      return [start, start + count * headDim] as const;
    });
    return linear(program, x, { ...rowsOf(module, name, runs), bias, ...(roundProduct && { roundProduct }) });
  };
  return { query: part("query", 0, group), key: part("key", group, 1), value: part("value", group + 1, 1) };
}
