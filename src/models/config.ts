import { z } from "zod";
import { TsumugiError } from "../errors.ts";
import type { ActivationKind } from "../ops/activation-kinds.ts";

/** A positive integer of config.json. None that a model has needs more than 31 bits. */
export const count = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

/** A field that may be absent or null. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A field that may be absent or null, with a default. */
export function withDefault<T extends z.ZodType>(schema: T, fallback: z.output<T>) {
  return schema.nullish().transform((value) => (value ?? fallback) as z.output<T>);
}

/** A switch that is on where it is absent, and off where it is null, which Python takes for false. */
export const onUnlessNull = z
  .boolean()
  .nullable()
  .default(true)
  .transform((value) => value ?? false);

/** transformers' activation names, and the op's kind of each. The tanh forms of GELU are one function. */
const activations: Record<string, ActivationKind> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu_new",
  gelu_fast: "gelu_fast",
  gelu_accurate: "gelu_new",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_python_tanh: "gelu_new",
  quick_gelu: "quick_gelu",
  relu: "relu",
  relu2: "relu2",
  relu6: "relu6",
  sigmoid: "sigmoid",
  tanh: "tanh",
  linear: "linear",
  gelu_10: "gelu_10",
  hardswish: "hardswish",
  leaky_relu: "leaky_relu",
  laplace: "laplace",
  mish: "mish",
};

/** The name of an activation function in config.json, read as an op's kind. */
export const activationName = z.string().transform((name, context): ActivationKind => {
  const kind = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (kind) return kind;
  context.addIssue({ code: "custom", message: `one of ${Object.keys(activations).join(", ")}` });
  return z.NEVER;
});

/** Fields that decoder-only models share, named as in config.json. */
export const decoderFields = {
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: optional(count),
  head_dim: optional(count),
  hidden_act: withDefault(activationName, "silu"),
  rms_norm_eps: withDefault(z.number().positive(), 1e-6),
  max_position_embeddings: withDefault(count, 2048),
  tie_word_embeddings: withDefault(z.boolean(), false),
};

/** Reads config.json with a schema; throws `config_invalid` naming the first field that is wrong. */
export function parseFields<T>(schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.join(".") || "config.json";
  const given = issue.path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined),
    config,
  );
  throw new TsumugiError("config_invalid", { field, expected: issue.message, given: given === undefined ? "nothing" : given });
}

/** Throws `config_unsupported` for a value that config.json may hold and this model cannot do. */
export function refuse(condition: boolean, field: string, given: unknown, supported: string): void {
  if (condition) unsupported(field, given, supported);
}

/** `refuse`, where the condition is known. */
export function unsupported(field: string, given: unknown, supported: string): never {
  throw new TsumugiError("config_unsupported", { field, given, supported });
}
