import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm, softcap } from "../../layers/index.ts";
import { activationName, count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

const { hidden_act: _, ...shared } = decoderFields;

/**
 * Gemma 2: norms before and after attention and MLP, every other layer in a window, scores and logits softly capped.
 * Source: transformers' modeling_gemma2.py; Gemma team 2024, "Gemma 2".
 */
export const gemma2 = defineArchitecture({
  modelType: "gemma2",
  fields: {
    ...shared,
    ...slidingFields,
    num_key_value_heads: withDefault(count, 4),
    head_dim: withDefault(count, 256),
    hidden_activation: withDefault(activationName, "gelu_tanh"),
    max_position_embeddings: withDefault(count, 8192),
    attention_bias: withDefault(z.boolean(), false),
    query_pre_attn_scalar: withDefault(z.number().positive(), 256),
    // absent: as given; null: none
    sliding_window: count.nullable().default(4096),
    attn_logit_softcapping: z.number().positive().nullable().default(50),
    final_logit_softcapping: z.number().positive().nullable().default(30),
    use_bidirectional_attention: withDefault(z.boolean(), false),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, headDim, attentionBias: bias, hiddenActivation: kind } = config;
    refuse(config.useBidirectionalAttention, "use_bidirectional_attention", true, "false");
    const slidingWindow = config.slidingWindow ?? undefined;
    const windows = windowsByType({ ...config, slidingWindow }, (layer) => layer % 2 === 0);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });
    const scale = config.queryPreAttnScalar ** -0.5;
    const cap = config.attnLogitSoftcapping ?? undefined;
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

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const shape = { module, heads, keyValueHeads, headDim, rope, window, scale, softcap: cap };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, attended, { module: `${at}.post_attention_layernorm`, ...norm }), at);

      const m = rmsNorm(program, x, { module: `${at}.pre_feedforward_layernorm`, ...norm }); // [tokens, hidden]
      const fed = gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, fed, { module: `${at}.post_feedforward_layernorm`, ...norm }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    const limit = config.finalLogitSoftcapping;
    return { logits: limit === null ? logits : softcap(program, logits, limit, "lm_head"), hidden };
  },
});
