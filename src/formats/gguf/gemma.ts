import type { GgufArchitecture, SmallTensors } from "./architecture.ts";
import { decoderConfig, llamaNames, placesBy } from "./decoders.ts";
import type { GgufFields } from "./fields.ts";

/** Weights of norms are stored with 1 added, which the model adds itself. */
const add = -1;

/** Modules of Gemma 2 and 3: norms before and behind attention and MLP. */
export const sandwichNames = {
  ...llamaNames,
  post_attention_norm: "model.layers.{n}.post_attention_layernorm",
  ffn_norm: "model.layers.{n}.pre_feedforward_layernorm",
  post_ffw_norm: "model.layers.{n}.post_feedforward_layernorm",
};

function gemmaConfig(fields: GgufFields, small: SmallTensors): Record<string, unknown> {
  return {
    ...decoderConfig(fields, small),
    head_dim: fields.count("attention.key_length"),
    hidden_activation: "gelu_pytorch_tanh",
  };
}

/** Scores are divided by the root of a head's width, but in the largest model of a generation by that of the hidden state's share. */
function scoreBase(fields: GgufFields, layersOfLargest: number): number {
  const scale = fields.optional("attention.scale");
  if (scale !== undefined) return scale ** -2;
  if (fields.count("block_count") !== layersOfLargest) return fields.count("attention.key_length");
  return fields.count("embedding_length") / fields.count("attention.head_count");
}

export const gemmaFile: GgufArchitecture = {
  config: (fields, small) => ({ ...gemmaConfig(fields, small), model_type: "gemma", hidden_act: "gelu_pytorch_tanh" }),
  place: placesBy(llamaNames, { add }),
};

export const gemma2File: GgufArchitecture = {
  config: (fields, small) => ({
    ...{ ...gemmaConfig(fields, small), model_type: "gemma2" },
    query_pre_attn_scalar: scoreBase(fields, 46),
    sliding_window: fields.optional("attention.sliding_window") ?? 4096,
    attn_logit_softcapping: fields.optional("attn_logit_softcapping") ?? 50,
    final_logit_softcapping: fields.optional("final_logit_softcapping") ?? 30,
  }),
  place: placesBy(sandwichNames, { add }),
};

export const gemma3File: GgufArchitecture = {
  config(fields, small) {
    const shared = gemmaConfig(fields, small);
    const near = fields.optional("rope.freq_base_swa") ?? fields.optional("rope.local.freq_base") ?? 10000;
    const [pattern, layers] = [fields.list("attention.sliding_window_pattern"), fields.count("block_count")];
    return {
      ...{ ...shared, model_type: "gemma3_text", rope_theta: fields.optional("rope.freq_base") ?? 1_000_000 },
      ...{ rope_local_base_freq: near, query_pre_attn_scalar: scoreBase(fields, 62) },
      sliding_window: fields.optional("attention.sliding_window") ?? 1024,
      ...(pattern?.length === layers && {
        layer_types: pattern.map((slides) => (slides === true || slides === 1 ? "sliding_attention" : "full_attention")),
      }),
      final_logit_softcapping: fields.optional("final_logit_softcapping") ?? null,
    };
  },
  place: placesBy(sandwichNames, { add }),
};
