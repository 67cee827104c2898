import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, layerNorm, linear, scale } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, ...shared } = decoderFields;

/**
 * Command R: attention and MLP side by side after one layer norm without bias, neighbouring pairs turned, logits scaled;
 * Command R+ norms every query and key head with weights of its own. Source: transformers' modeling_cohere.py.
 */
export const cohere = defineArchitecture({
  modelType: "cohere",
  fields: {
    ...shared,
    max_position_embeddings: withDefault(count, 8192),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    use_qk_norm: withDefault(z.boolean(), false),
    logit_scale: withDefault(z.number(), 0.0625),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, {
      defaultTheta: 500000,
      maxPositions: config.maxPositionEmbeddings,
      interleaved: true,
      unrounded: "products",
    });
    const norm = { epsilon, bias: false };

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      if (config.useQkNorm) {
        query = layerNorm(program, query, { module: `${module}.q_norm`, ...norm, groupSize: headDim, ownWeights: true });
        key = layerNorm(program, key, { module: `${module}.k_norm`, ...norm, groupSize: headDim, ownWeights: true });
      }
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      x = add(program, x, gatedMlp(program, a, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = layerNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: scale(program, logits, config.logitScale, "lm_head"), hidden };
  },
});
