import type { ProgramBuilder } from "./builder.ts";

/** Learned shifts of attention scores, one for each head and each bucket of distances. */
export interface RelativeBias {
  /** The embedding of the buckets, [buckets, heads]; layers that share it name the same. */
  module: string;
  buckets: number;
  /** Distances from here on share the last bucket. */
  maxDistance: number;
}

/**
 * The weight of a relative bias, and the bucket of each distance (position of the key less that of the query) from
 * −maxDistance to maxDistance. Source: Raffel et al. 2020, "T5"; transformers' `T5Attention._relative_position_bucket`.
 */
export function relativeBias(program: ProgramBuilder, bias: RelativeBias, heads: number, causal: boolean) {
  const { module, buckets, maxDistance } = bias;
  const weight = program.weight({ name: `${module}.weight`, shape: [buckets, heads], use: "vector" });
  const length = 2 * maxDistance + 1;
  return { weight, buckets: Array.from({ length }, (_, i) => bucketOf(i - maxDistance, buckets, maxDistance, causal)) };
}

function bucketOf(distance: number, buckets: number, maxDistance: number, causal: boolean): number {
  const count = causal ? buckets : Math.floor(buckets / 2);
  const ahead = !causal && distance > 0 ? count : 0;
  const away = causal ? Math.max(0, -distance) : Math.abs(distance);
  const exact = Math.floor(count / 2);
  if (away < exact) return ahead + away;
  // each step rounds to float32, because the borders of the buckets depend on it
  const part = Math.fround(Math.fround(Math.log(Math.fround(away / exact))) / Math.fround(Math.log(maxDistance / exact)));
  return ahead + Math.min(exact + Math.trunc(Math.fround(part * (count - exact))), count - 1);
}
