import type { Model, ProgramName, ProgramOp, RowRun, Weight } from "../ops/program.ts";

/** A matrix of the checkpoint, or some rows of it, that an op multiplies by. */
export interface ModuleUse {
  program: ProgramName;
  /** Index into the program's ops. */
  op: number;
  /** Index into the op's weights. */
  weight: number;
  /** The checkpoint's tensor; of a quantised one, the name that its plain tensor would have. */
  tensor: string;
  /** Which matrix of the op's stack of experts it is (part of); absent: the op has one matrix. */
  expert?: number;
  /** Whether the tensor stacks the experts' matrices along its first axis, so that `expert` is an entry of that, too. */
  isStacked?: boolean;
  /** The rows of the tensor's matrix, counted by what they give (columns of a matrix stored [in, out]). */
  rows: readonly RowRun[];
}

/**
 * Every matrix of the checkpoint that a model multiplies by, and where: what skip lists and adapters bind to. A fused
 * projection is listed several times, by its rows; the experts of a mixture are listed one by one, as the checkpoint has them.
 *
 * @param model - Bound to a checkpoint by `loadModel`.
 */
export function moduleUses({ programs, weights }: Model): ModuleUse[] {
  const named: [ProgramName, readonly ProgramOp[]][] = [
    ["decode", programs.decode.ops],
    ["encode", programs.encode?.ops ?? []],
  ];
  return named.flatMap(([program, ops]) =>
    ops.flatMap((op, index) =>
      op.weights.flatMap((id, slot) => {
        const weight = weights[id];
        if (!weight || !isMatrix(op, slot, weight)) return [];
        return usesOf(op, weight).map((use) => ({ program, op: index, weight: slot, ...use }));
      }),
    ),
  );
}

/** A tied head's matrix is a table as well: for the op that gathers from it, it is no matrix. */
function isMatrix(op: ProgramOp, slot: number, weight: Weight): boolean {
  if (!weight.uses.includes("matmul")) return false;
  return op.op === "experts" ? slot % 2 === 0 : slot === 0 && op.op !== "embed" && op.op !== "embed_position";
}

function usesOf({ part }: ProgramOp, { from, shape }: Weight): Omit<ModuleUse, "program" | "op" | "weight">[] {
  if (!part || "rows" in part) return [{ tensor: from[0]!.tensor, rows: part?.rows ?? [[0, shape[0]!]] }];
  // the matrices of one expert stand one after the other: its gate and up, where they are two tensors
  const each = from.length / shape[0]!;
  const rows: RowRun[] = [[0, shape[1]! / each]];
  return from.map(({ tensor, index }, at) => {
    const expert = part.experts[0] + Math.floor(at / each);
    return { tensor, expert, ...(index !== undefined && { isStacked: true }), rows };
  });
}
