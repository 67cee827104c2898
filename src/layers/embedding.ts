import type { ProgramBuilder, Value } from "./builder.ts";

/** Token embedding of a table [vocabulary, width], each row times `scale` when given -> [tokens, width]. */
export function embedding(
  program: ProgramBuilder,
  options: { module: string; vocabulary: number; width: number; scale?: number },
): Value {
  const { module, vocabulary, width, scale } = options;
  const table = program.weight({ name: `${module}.weight`, shape: [vocabulary, width], use: "gather" });
  return program.value("embed", { module, weights: [table], attributes: { scale } });
}

/** Learned position embedding of a table [positions, width], read at position + offset -> [tokens, width]. */
export function positionEmbedding(
  program: ProgramBuilder,
  options: { module: string; positions: number; width: number; offset?: number },
): Value {
  const { module, positions, width, offset = 0 } = options;
  const table = program.weight({ name: `${module}.weight`, shape: [positions, width], use: "gather" });
  return program.value("embed_position", { module, weights: [table], attributes: { offset } });
}
