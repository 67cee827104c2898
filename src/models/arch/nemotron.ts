import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp } from "../../layers/index.ts";
import { activationName, count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, ...shared } = decoderFields;

/**
 * Nemotron 3 and 4: layer norms whose weight counts from 1, squared ReLU, half of each head turns.
 * Source: transformers' modeling_nemotron.py; Parmar et al. 2024, "Nemotron-4 15B Technical Report".
 */
export const nemotron = defineArchitecture({
  modelType: "nemotron",
  fields: {
    ...shared,
    hidden_act: withDefault(activationName, "relu2"),
    max_position_embeddings: withDefault(count, 4096),
    norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    mlp_bias: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numAttentionHeads: heads, normEps: epsilon, vocabSize: vocabulary, attentionBias: bias } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const rope = parseRope(raw, { defaultPartialRotaryFactor: 0.5, maxPositions: config.maxPositionEmbeddings });
    const norm = { epsilon, unitOffset: true };

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = layerNorm(program, x, { module: `${at}.post_attention_layernorm`, ...norm }); // [tokens, hidden]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: config.hiddenAct,
        first: { module: `${at}.mlp.up_proj`, width: config.intermediateSize, bias: config.mlpBias }, // [tokens, intermediate]
        second: { module: `${at}.mlp.down_proj`, width: hiddenSize, bias: config.mlpBias },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
