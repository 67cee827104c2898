import { TsumugiError } from "../../errors.ts";
import { pairedRow } from "../../tensor/storages/ggml.ts";
import type { ModuleNames } from "./architecture.ts";
import { expertNames, llamaNames, mixtralNames, phi3Names } from "./decoders.ts";
import { sandwichNames } from "./gemma.ts";
import { gpt2Names } from "./others.ts";
import type { GgufWriteValue } from "./write.ts";

type Config = Readonly<Record<string, unknown>>;

interface Shaped {
  name: string;
  shape: readonly number[];
}

/** A tensor of the file that one of the checkpoint makes, or a part of it. */
export interface Made extends Shaped {
  make(values: Float32Array): Float32Array;
  /** One expert's: those of all experts follow one another. */
  stacked: boolean;
}

/** How models of a type are written. */
export interface GgufFamily {
  architecture: string;
  tiedByDefault?: boolean;
  /** Metadata without the architecture in front. */
  metadata(config: Config, tensors: readonly Shaped[]): { [key: string]: GgufWriteValue };
  /** What a tensor becomes; undefined where files have no place for it. */
  place(tensor: Shaped, config: Config): Made[] | undefined;
}

const whole = (value: unknown): GgufWriteValue => ({ type: "uint32", value: Number(value) });
const float = (value: unknown): GgufWriteValue => ({ type: "float32", value: Number(value) });
const same = (values: Float32Array): Float32Array => values;

/** Fields of decoders that are like Llama. */
function decoderMetadata(config: Config): { [key: string]: GgufWriteValue } {
  const heads = Number(config.num_attention_heads);
  const head = Number(config.head_dim ?? Math.floor(Number(config.hidden_size) / heads));
  return {
    context_length: whole(config.max_position_embeddings ?? 2048),
    embedding_length: whole(config.hidden_size),
    block_count: whole(config.num_hidden_layers),
    feed_forward_length: whole(config.intermediate_size),
    "attention.head_count": whole(heads),
    "attention.head_count_kv": whole(config.num_key_value_heads ?? heads),
    "attention.key_length": whole(head),
    "attention.value_length": whole(head),
    "attention.layer_norm_rms_epsilon": float(config.rms_norm_eps ?? 1e-6),
    "rope.dimension_count": whole(head * Number(config.partial_rotary_factor ?? 1)),
    vocab_size: whole(config.vocab_size),
    ...(typeof config.sliding_window === "number" &&
      config.use_sliding_window !== false && { "attention.sliding_window": whole(config.sliding_window) }),
  };
}

/** The tensor of a file for one of the checkpoint, by a table of modules. */
function namedBy(names: ModuleNames, make: (tensor: Shaped, module: string, config: Config) => Made["make"] = () => same) {
  const patterns = Object.entries(names).map(([module, path]) => {
    const form = path.replaceAll(".", "\\.").replace("{n}", "(?<layer>\\d+)").replace("{e}", "(?<expert>\\d+)");
    return { module, form: new RegExp(`^${form}\\.(?<kind>weight|bias)$`) };
  });
  return (tensor: Shaped, config: Config): Made[] | undefined => {
    for (const { module, form } of patterns) {
      const { layer, expert, kind } = form.exec(tensor.name)?.groups ?? {};
      if (kind === undefined) continue;
      const name = `${layer === undefined ? "" : `blk.${layer}.`}${module}.${kind}`;
      return [{ name, shape: tensor.shape, make: make(tensor, module, config), stacked: expert !== undefined }];
    }
    return undefined;
  };
}

/** Rows of each head of q and k as pairs that turn together. */
function paired({ shape: [rows = 1] }: Shaped, module: string, config: Config): Made["make"] {
  if (module !== "attn_q" && module !== "attn_k") return same;
  const heads = Number(
    module === "attn_q" ? config.num_attention_heads : (config.num_key_value_heads ?? config.num_attention_heads),
  );
  return (values) => {
    const out = new Float32Array(values.length);
    const columns = values.length / rows;
    for (let row = 0; row < rows; row++) {
      out.set(values.subarray(row * columns, (row + 1) * columns), pairedRow(row, rows / heads) * columns);
    }
    return out;
  };
}

const addedOne = (_: Shaped, module: string): Made["make"] =>
  module.endsWith("norm") ? (values) => values.map((value) => value + 1) : same;

function exchanged(values: Float32Array, [rows = 1, columns = 1]: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}

const experts = (config: Config) => ({
  expert_count: whole(config.num_local_experts ?? config.num_experts),
  expert_used_count: whole(config.num_experts_per_tok),
});

const llama: GgufFamily = { architecture: "llama", metadata: decoderMetadata, place: namedBy(llamaNames, paired) };

function gemma(architecture: string, names: ModuleNames): GgufFamily {
  return {
    architecture,
    tiedByDefault: true,
    metadata(config) {
      const caps = ["attn_logit_softcapping", "final_logit_softcapping"].filter((name) => typeof config[name] === "number");
      const [asked, head] = [Number(config.query_pre_attn_scalar ?? 256), Number(config.head_dim ?? 256)];
      const types = Array.isArray(config.layer_types) && architecture === "gemma3" ? config.layer_types : undefined;
      const slides = types?.map((type) => (type === "sliding_attention" ? 1 : 0));
      return {
        ...decoderMetadata({ ...config, head_dim: head }),
        ...Object.fromEntries(caps.map((name) => [name, float(config[name])])),
        ...(architecture !== "gemma" && asked !== head && { "attention.scale": float(asked ** -0.5) }),
        ...(slides && { "attention.sliding_window_pattern": { type: "array", of: "uint32", values: slides } as const }),
      };
    },
    place: namedBy(names, addedOne),
  };
}

const gpt2: GgufFamily = {
  architecture: "gpt2",
  tiedByDefault: true,
  metadata: (config) => ({
    context_length: whole(config.n_positions ?? 1024),
    embedding_length: whole(config.n_embd),
    block_count: whole(config.n_layer),
    feed_forward_length: whole(config.n_inner ?? 4 * Number(config.n_embd)),
    "attention.head_count": whole(config.n_head),
    "attention.layer_norm_epsilon": float(config.layer_norm_epsilon ?? 1e-5),
  }),
  place(tensor, config) {
    const name =
      tensor.name === "lm_head.weight" || tensor.name.startsWith("transformer.") ? tensor.name : `transformer.${tensor.name}`;
    const made = namedBy(gpt2Names)({ ...tensor, name }, config);
    if (!made || !/\.(c_attn|c_proj|c_fc)\.weight$/.test(name)) return made;
    const shape = [...tensor.shape].reverse();
    return made.map((one) => ({ ...one, shape, make: (values) => exchanged(values, tensor.shape) }));
  },
};

const phi3: GgufFamily = {
  architecture: "phi3",
  metadata(config) {
    const nested = (config.rope_parameters ?? {}) as Config;
    return decoderMetadata({ ...config, partial_rotary_factor: config.partial_rotary_factor ?? nested.partial_rotary_factor });
  },
  place: namedBy(phi3Names),
};

/** By `model_type`; a new one is its entry here. */
export const ggufFamilies: { readonly [type: string]: GgufFamily } = {
  llama,
  mistral: llama,
  mixtral: {
    architecture: "llama",
    metadata: (config) => ({ ...decoderMetadata(config), ...experts(config) }),
    place: namedBy({ ...llamaNames, ...mixtralNames }, paired),
  },
  qwen2: { architecture: "qwen2", metadata: decoderMetadata, place: namedBy(llamaNames) },
  qwen3: { architecture: "qwen3", metadata: decoderMetadata, place: namedBy(llamaNames) },
  qwen3_moe: {
    architecture: "qwen3moe",
    metadata(config) {
      if (config.norm_topk_prob !== true) {
        const details = {
          what: "`norm_topk_prob`",
          given: config.norm_topk_prob,
          supported: "true, which llama.cpp always does",
        };
        throw new TsumugiError("gguf_unsupported", { file: "A GGUF file of qwen3_moe", ...details });
      }
      return {
        ...decoderMetadata(config),
        ...experts(config),
        expert_feed_forward_length: whole(config.moe_intermediate_size),
      };
    },
    place: namedBy({ ...llamaNames, ...expertNames }),
  },
  gemma: gemma("gemma", llamaNames),
  gemma2: gemma("gemma2", sandwichNames),
  gemma3_text: gemma("gemma3", sandwichNames),
  phi3,
  gpt2,
};
