/** How a `model_type` of `text_config` is built. */
export interface TextPart {
  /** The architecture that it is. */
  architecture: string;
  /** Fields that files leave out, with the defaults of its configuration class. */
  defaults?: Record<string, unknown>;
  /** Fields that are so, whatever the file says; undefined: not read. */
  fixed?: (fields: { readonly [name: string]: unknown }) => Record<string, unknown>;
}

/** Sizes that configuration classes have defaults for. A text_config leaves out what equals them. */
const sizes = (vocabulary: number, hidden: number, intermediate: number | undefined, layers: number, heads: number) => ({
  vocab_size: vocabulary,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: layers,
  num_attention_heads: heads,
});

const qwen2Vl = {
  architecture: "qwen2",
  defaults: {
    ...sizes(152064, 8192, 29568, 80, 64),
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    sliding_window: 4096,
    max_window_layers: 80,
    rope_theta: 1000000,
  },
  fixed: () => ({ head_dim: undefined }),
};

/** Text models inside multimodal ones. A type that is not here has all its fields written, and is an architecture itself. */
export const textTypes: { readonly [modelType: string]: TextPart } = {
  cohere: { architecture: "cohere", defaults: sizes(256000, 8192, 22528, 40, 64) },
  cohere2: { architecture: "cohere2", defaults: sizes(256000, 8192, 22528, 40, 64) },
  deepseek_v3: { architecture: "deepseek_v3", defaults: sizes(129280, 7168, 18432, 61, 128) },
  exaone4: { architecture: "exaone4", defaults: sizes(102400, 4096, 16384, 32, 32) },
  exaone4_5_text: { architecture: "exaone4", defaults: sizes(102400, 4096, 16384, 32, 32) },
  gemma: { architecture: "gemma", defaults: sizes(256000, 3072, 24576, 28, 16) },
  gemma2: { architecture: "gemma2", defaults: sizes(256000, 2304, 9216, 26, 8) },
  gemma3_text: { architecture: "gemma3_text", defaults: sizes(262208, 2304, 9216, 26, 8) },
  gemma3n_text: { architecture: "gemma3n_text", defaults: sizes(262400, 2048, undefined, 35, 8) },
  gemma4_text: { architecture: "gemma4_text", defaults: sizes(262144, 2304, 9216, 30, 8) },
  glm4v_moe_text: {
    architecture: "glm4_moe",
    defaults: { ...sizes(151424, 4096, 10944, 46, 96), max_position_embeddings: 65536, attention_bias: true },
    fixed: () => ({ use_qk_norm: false }),
  },
  glm4v_text: {
    architecture: "glm4",
    defaults: {
      ...sizes(151552, 4096, 13696, 40, 32),
      max_position_embeddings: 32768,
      rms_norm_eps: 1e-5,
      partial_rotary_factor: 1,
    },
    fixed: (fields) => ({ attention_bias: true, head_dim: Number(fields.hidden_size) / Number(fields.num_attention_heads) }),
  },
  granite: { architecture: "granite", defaults: sizes(32000, 4096, 11008, 32, 32) },
  kimi_k2: { architecture: "deepseek_v3", defaults: sizes(129280, 7168, 18432, 61, 128) },
  llama: { architecture: "llama", defaults: sizes(32000, 4096, 11008, 32, 32) },
  llama4_text: { architecture: "llama4_text", defaults: sizes(202048, 5120, 8192, 48, 40) },
  ministral3: { architecture: "ministral3", defaults: sizes(131072, 4096, 14336, 34, 32) },
  mistral: { architecture: "mistral", defaults: sizes(32000, 4096, 14336, 32, 32) },
  mixtral: { architecture: "mixtral", defaults: sizes(32000, 4096, 14336, 32, 32) },
  phi3: { architecture: "phi3", defaults: sizes(32064, 3072, 8192, 32, 32) },
  qwen2: { architecture: "qwen2", defaults: sizes(151936, 4096, 22016, 32, 32) },
  qwen2_5_omni_text: {
    architecture: "qwen2",
    defaults: { ...sizes(152064, 3584, 18944, 28, 28), num_key_value_heads: 4, sliding_window: 32768, rope_theta: 1000000 },
  },
  qwen2_vl_text: qwen2Vl,
  qwen2_5_vl_text: qwen2Vl,
  qwen3: { architecture: "qwen3", defaults: sizes(151936, 4096, 22016, 32, 32) },
  qwen3_5_moe_text: { architecture: "qwen3_5_moe_text", defaults: sizes(248320, 2048, undefined, 40, 16) },
  qwen3_5_text: { architecture: "qwen3_5_text", defaults: sizes(248320, 4096, 12288, 32, 16) },
  qwen3_moe: { architecture: "qwen3_moe", defaults: sizes(151936, 2048, 6144, 24, 32) },
  qwen3_omni_moe_text: {
    architecture: "qwen3_moe",
    defaults: { ...sizes(3584, 2048, 18944, 28, 28), norm_topk_prob: true, rope_theta: 1000000 },
    fixed: () => ({ use_sliding_window: false }),
  },
  qwen3_vl_moe_text: {
    architecture: "qwen3_moe",
    defaults: {
      ...sizes(151936, 2048, 5632, 24, 16),
      num_key_value_heads: 16,
      max_position_embeddings: 128000,
      moe_intermediate_size: 1408,
      num_local_experts: 60,
      num_experts_per_tok: 4,
      rope_theta: 500000,
    },
    fixed: () => ({ norm_topk_prob: true, use_sliding_window: false }),
  },
  qwen3_vl_text: {
    architecture: "qwen3",
    defaults: {
      ...sizes(151936, 4096, 22016, 32, 32),
      num_key_value_heads: 32,
      max_position_embeddings: 128000,
      rope_theta: 500000,
    },
    fixed: () => ({ use_sliding_window: false, layer_types: undefined }),
  },
};
