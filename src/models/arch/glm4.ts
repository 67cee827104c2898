import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * GLM-4 0414: norms before and after attention and MLP, neighbouring pairs turned in half of each head.
 * Source: transformers' modeling_glm4.py; GLM team 2024, "ChatGLM".
 */
export const glm4 = defineArchitecture({
  modelType: "glm4",
  fields: {
    ...decoderFields,
    num_key_value_heads: withDefault(count, 2),
    head_dim: withDefault(count, 128),
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1.5625e-7),
    attention_bias: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, headDim, attentionBias: bias, hiddenAct: kind } = config;
    const rope = parseRope(raw, {
      defaultPartialRotaryFactor: 0.5,
      maxPositions: config.maxPositionEmbeddings,
      interleaved: true,
    });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, attended, { module: `${at}.post_self_attn_layernorm`, epsilon }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const fed = gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind, fused: "gate_up_proj" }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, fed, { module: `${at}.post_mlp_layernorm`, epsilon }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
