import { z } from "zod";
import { add, attention, embedding, languageHead, linear, mixtureOfExperts, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { windowsByType } from "../layer-types.ts";
import { parseRope, withRotaryDefaults } from "../rope-config.ts";

/** The rotary parameters that transformers takes where config.json has none. */
const yarn = { rope_type: "yarn", factor: 32, truncate: false, original_max_position_embeddings: 4096 };

/**
 * gpt-oss: attention sinks, windows in every other layer, experts with biases and a clamped SwiGLU.
 * Source: transformers' modeling_gpt_oss.py; OpenAI 2025, "gpt-oss-120b & gpt-oss-20b Model Card".
 */
export const gptOss = defineArchitecture({
  modelType: "gpt_oss",
  aliases: { num_experts: "num_local_experts" },
  fields: {
    ...decoderFields,
    head_dim: count.nullable().default(64),
    num_key_value_heads: count.nullable().default(8),
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), true),
    sliding_window: count.nullable().default(128),
    layer_types: optional(z.array(z.string())),
    num_local_experts: withDefault(count, 128),
    num_experts_per_tok: withDefault(count, 4),
    swiglu_limit: withDefault(z.number(), 7),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, numLocalExperts: experts } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const windows = windowsByType({ ...config, slidingWindow: config.slidingWindow ?? undefined }, (layer) => layer % 2 === 0);
    const rope = parseRope(withRotaryDefaults(raw, yarn), {
      maxPositions: config.maxPositionEmbeddings,
      defaultTheta: 150000,
    });
    refuse(config.swigluLimit !== 7, "swiglu_limit", config.swigluLimit, "7, which transformers always uses");

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const moe = `${at}.mlp.experts`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon, roundOnce: true }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const shape = { module, heads, keyValueHeads, headDim, rope, window: windows[layer], sinks: `${module}.sinks` };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon, roundOnce: true }); // [tokens, hidden]
      const fed = mixtureOfExperts(program, m, {
        module: moe,
        experts,
        width: intermediateSize,
        kind: "quick_gelu",
        router: { module: `${at}.mlp.router`, count: config.numExpertsPerTok, score: "chosen_softmax", bias: true },
        gateUp: stacked(`${moe}.gate_up_proj`, experts),
        down: stacked(`${moe}.down_proj`, experts),
        bias: { gateUp: `${moe}.gate_up_proj_bias`, down: `${moe}.down_proj_bias` },
        interleaved: true,
        limit: config.swigluLimit,
        upOffset: 1,
      }); // [tokens, hidden]
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon, roundOnce: true }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** One tensor [experts, in, out]. */
function stacked(tensor: string, experts: number) {
  return { from: Array.from({ length: experts }, (_, index) => ({ tensor, index, transpose: true })) };
}
