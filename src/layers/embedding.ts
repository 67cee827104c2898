import type { ProgramBuilder, Value } from "./builder.ts";

/**
 * Token embedding of a table [vocabulary, width], each row times `scale` when given -> [tokens, width]. Tokens beyond the
 * table have row `otherwise`. `roundScale`: the scale is rounded to the type that the table is held in.
 */
export function embedding(
  program: ProgramBuilder,
  options: { module: string; vocabulary: number; width: number; scale?: number; otherwise?: number; roundScale?: boolean },
): Value {
  const { module, vocabulary, width, scale, otherwise, roundScale } = options;
  const table = program.weight({ name: `${module}.weight`, shape: [vocabulary, width], use: "gather" });
  return program.value("embed", { module, weights: [table], attributes: { scale, otherwise, roundScale } });
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

/**
 * Computed positions as fairseq counts them: token p of a sequence is in row padding + 1 + p of the sinusoids, pads in a row
 * of zeros -> [tokens, width]. Source: transformers' `M2M100SinusoidalPositionalEmbedding`; Vaswani et al. 2017.
 */
export function sinusoidalPosition(
  program: ProgramBuilder,
  options: { module: string; width: number; padding: number },
): Value {
  const { module, width, padding } = options;
  const half = Math.floor(width / 2);
  const step = Math.fround(-Math.log(10000) / (half - 1));
  const frequencies = Array.from({ length: half }, (_, i) => Math.fround(Math.exp(Math.fround(i * step))));
  return program.value("wave_position", { module, attributes: { width, offset: padding + 1, padding, frequencies } });
}
