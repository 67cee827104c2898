import { TsumugiError } from "../../errors.ts";
import { isRecord } from "../../util/json-value.ts";
import type { GgufWriteValue } from "./write.ts";

type Config = Readonly<Record<string, unknown>>;

/** Metadata of rotary embeddings, without the architecture in front, and the factors of Llama 3's periods. */
export function ropeMetadata(
  config: Config,
  architecture: string,
): { metadata: { [key: string]: GgufWriteValue }; factors?: Float32Array } {
  if (architecture === "gpt2") return { metadata: {} };
  const nested = isRecord(config.rope_parameters) ? config.rope_parameters : {};
  const own = isRecord(config.rope_scaling) && Object.keys(config.rope_scaling).length > 0 ? config.rope_scaling : nested;
  const far = isRecord(own.full_attention) ? own.full_attention : own;
  const near = isRecord(own.sliding_attention) ? own.sliding_attention.rope_theta : config.rope_local_base_freq;
  const theta = numberOf(far.rope_theta ?? config.rope_theta) ?? (architecture === "gemma3" ? 1_000_000 : 10_000);
  const float = (value: number): GgufWriteValue => ({ type: "float32", value });
  const metadata = {
    "rope.freq_base": float(theta),
    ...(typeof near === "number" && near !== theta && { "rope.freq_base_swa": float(near) }),
  };
  const type = far.rope_type ?? far.type ?? "default";
  const factor = numberOf(far.factor) ?? 1;
  const original = numberOf(far.original_max_position_embeddings ?? config.original_max_position_embeddings);
  const scaling = (name: string, value: GgufWriteValue): [string, GgufWriteValue] => [`rope.scaling.${name}`, value];
  switch (type) {
    case "default":
      return { metadata };
    case "linear": {
      const entries = [scaling("type", { type: "string", value: "linear" }), scaling("factor", float(factor))];
      return { metadata: { ...metadata, ...Object.fromEntries(entries) } };
    }
    case "yarn": {
      const all = numberOf(far.mscale_all_dim);
      const entries = [
        scaling("type", { type: "string", value: "yarn" }),
        scaling("factor", float(factor)),
        ...(original === undefined ? [] : [scaling("original_context_length", { type: "uint32", value: original })]),
        ...(far.beta_fast === undefined ? [] : [scaling("yarn_beta_fast", float(Number(far.beta_fast)))]),
        ...(far.beta_slow === undefined ? [] : [scaling("yarn_beta_slow", float(Number(far.beta_slow)))]),
        ...(all === undefined ? [] : [scaling("yarn_log_multiplier", float(0.1 * all))]),
      ];
      return { metadata: { ...metadata, ...Object.fromEntries(entries) } };
    }
    case "llama3":
      return { metadata, factors: llama3Factors(config, far, theta, factor, original ?? 8192) };
    default: {
      const details = {
        file: "A GGUF file",
        what: "this `rope_type`",
        given: type,
        supported: "default, linear, yarn, llama3",
      };
      throw new TsumugiError("gguf_unsupported", details);
    }
  }
}

/** By how much each pair's period is stretched. Source: transformers' `_compute_llama3_parameters`. */
function llama3Factors(config: Config, fields: Config, theta: number, factor: number, original: number): Float32Array {
  const [low, high] = [numberOf(fields.low_freq_factor) ?? 1, numberOf(fields.high_freq_factor) ?? 4];
  const width = numberOf(config.head_dim) ?? Number(config.hidden_size) / Number(config.num_attention_heads);
  return Float32Array.from({ length: width / 2 }, (_, pair) => {
    const turns = original / (2 * Math.PI * theta ** ((2 * pair) / width));
    if (turns > high) return 1;
    if (turns < low) return factor;
    const share = (turns - low) / (high - low);
    return 1 / ((1 - share) / factor + share);
  });
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
