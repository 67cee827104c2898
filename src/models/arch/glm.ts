import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * GLM-4: neighbouring pairs turned in half of each head. Source: transformers' modeling_glm.py; GLM team 2024, "ChatGLM".
 */
export const glm = defineArchitecture({
  modelType: "glm",
  fields: {
    ...decoderFields,
    vocab_size: withDefault(count, 151552),
    hidden_size: withDefault(count, 4096),
    intermediate_size: withDefault(count, 13696),
    num_hidden_layers: withDefault(count, 40),
    num_attention_heads: withDefault(count, 32),
    // absent: as given; null: hidden_size / num_attention_heads
    num_key_value_heads: withDefault(count, 2),
    head_dim: count.nullable().default(128),
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1.5625e-7),
    attention_bias: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, attentionBias: bias, hiddenAct: kind } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
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
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      x = add(
        program,
        x,
        gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind, fused: "gate_up_proj" }),
        at,
      );
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
