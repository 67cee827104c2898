import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp } from "../../layers/index.ts";
import { activationName, count, decoderFields, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, ...shared } = decoderFields;

/** StarCoder2: layer norms and biases. Source: transformers' modeling_starcoder2.py; Lozhkov et al. 2024. */
export const starcoder2 = defineArchitecture({
  modelType: "starcoder2",
  fields: {
    ...shared,
    num_key_value_heads: withDefault(count, 2),
    hidden_act: withDefault(activationName, "gelu_tanh"),
    max_position_embeddings: withDefault(count, 4096),
    norm_epsilon: withDefault(z.number().positive(), 1e-5),
    sliding_window: optional(count),
    use_bias: withDefault(z.boolean(), true),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, normEpsilon: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, hiddenAct: kind, useBias: bias, slidingWindow: window } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = layerNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind,
        first: { module: `${at}.mlp.c_fc`, width: intermediateSize, bias }, // [tokens, intermediate]
        second: { module: `${at}.mlp.c_proj`, width: hiddenSize, bias },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
