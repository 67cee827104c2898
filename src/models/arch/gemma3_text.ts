import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm, softcap } from "../../layers/index.ts";
import { activationName, count, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRopeOfLayerType } from "../rope-config.ts";

const { hidden_act: _, ...shared } = decoderFields;

/**
 * Gemma 3, the text model: five layers in a window for each one without, each kind with its own rotary base; a norm on
 * every query and key head. Source: transformers' modeling_gemma3.py; Gemma team 2025, "Gemma 3".
 *
 * `attn_logit_softcapping` has no effect, as in transformers.
 */
export const gemma3Text = defineArchitecture({
  modelType: "gemma3_text",
  fields: {
    ...shared,
    ...slidingFields,
    num_key_value_heads: withDefault(count, 4),
    head_dim: withDefault(count, 256),
    hidden_activation: withDefault(activationName, "gelu_tanh"),
    max_position_embeddings: withDefault(count, 131072),
    attention_bias: withDefault(z.boolean(), false),
    query_pre_attn_scalar: withDefault(z.number().positive(), 256),
    sliding_window: count.nullable().default(4096),
    sliding_window_pattern: withDefault(count, 6),
    final_logit_softcapping: optional(z.number().positive()),
    use_bidirectional_attention: withDefault(z.boolean(), false),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, headDim, attentionBias: bias, hiddenActivation: kind } = config;
    refuse(config.useBidirectionalAttention, "use_bidirectional_attention", true, "false");
    const slidingWindow = config.slidingWindow ?? undefined;
    const windows = windowsByType({ ...config, slidingWindow }, (layer) => (layer + 1) % config.slidingWindowPattern !== 0);
    const maxPositions = config.maxPositionEmbeddings;
    const near = { thetaField: "rope_local_base_freq", defaultTheta: 10000, maxPositions };
    const far = { thetaField: "rope_theta", defaultTheta: 1000000, maxPositions };
    const slidingRope = parseRopeOfLayerType(raw, "sliding_attention", near);
    const fullRope = parseRopeOfLayerType(raw, "full_attention", far);
    const scale = config.queryPreAttnScalar ** -0.5;
    const norm = { epsilon, unitOffset: true };

    let x = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const window = windows[layer];
      const rope = window === undefined ? fullRope : slidingRope;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, ...norm, groupSize: headDim });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, ...norm, groupSize: headDim });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window, scale }); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, attended, { module: `${at}.post_attention_layernorm`, ...norm }), at);

      const m = rmsNorm(program, x, { module: `${at}.pre_feedforward_layernorm`, ...norm }); // [tokens, hidden]
      const fed = gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, fed, { module: `${at}.post_feedforward_layernorm`, ...norm }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    const limit = config.finalLogitSoftcapping;
    return { logits: limit === undefined ? logits : softcap(program, logits, limit, "lm_head"), hidden };
  },
});
