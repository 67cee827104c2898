import { z } from "zod";
import type { Rope } from "../layers/index.ts";
import { count, optional, parseFields, refuse } from "./config.ts";
import { rotaryFields } from "./rope-config.ts";

const stretchFields = z.object({ mscale_all_dim: optional(z.number()), factor: optional(z.number()) });

/** What scores of a stretched context are multiplied by: the square of yarn's factor for `mscale_all_dim` (DeepSeek). */
export function stretchedScale(config: unknown, { kind }: Rope): number {
  const { field, given = {} } = rotaryFields(config);
  const { mscale_all_dim: by, factor } = parseFields(z.object({ [field]: stretchFields }), { [field]: given })[field]!;
  if (kind === "default" || !by || !factor || factor <= 1) return 1;
  return (0.1 * by * Math.log(factor) + 1) ** 2;
}

const lengthField = { original_max_position_embeddings: optional(count) };
const growthFields = z.object({ llama_4_scaling_beta: z.number(), ...lengthField });

/**
 * How queries grow with the context (`llama_4_scaling_beta` of Ministral 3 and Mistral 4): by strength · ln(1 + lengths of
 * `original_max_position_embeddings` that came before). Without a length it is `max_position_embeddings`.
 */
export function queryGrowth(config: unknown, { kind }: Rope, maxPositions: number): { strength: number; length: number } {
  const { field: place, given = {} } = rotaryFields(config);
  const fields = parseFields(z.object({ [place]: growthFields }), { [place]: given })[place]!;
  const { llama_4_scaling_beta: strength, original_max_position_embeddings: inner } = fields;
  const length = parseFields(z.object(lengthField), config).original_max_position_embeddings ?? inner;
  const field = `${place}.original_max_position_embeddings`;
  // transformers fills the field in for these three types
  refuse(
    length === undefined && !["llama3", "yarn", "longrope"].includes(kind),
    field,
    null,
    `a number with rope_type ${kind}`,
  );
  return { strength, length: length ?? maxPositions };
}
