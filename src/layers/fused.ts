import type { ProgramBuilder, Value } from "./builder.ts";
import { type LinearOptions, linear } from "./linear.ts";

/** Options of a linear layer that is some runs of rows, [first, last), of the fused module. */
export function rowsOf(module: string, name: string, runs: readonly (readonly [number, number])[]): LinearOptions {
  const from = (tensor: string) => runs.map(([start, end]) => ({ tensor, slice: { axis: 0, start, end } }));
  return {
    module: `${module}.${name}`,
    width: runs.reduce((sum, [start, end]) => sum + end - start, 0),
    weightFrom: from(`${module}.weight`),
    biasFrom: from(`${module}.bias`),
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
