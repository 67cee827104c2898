import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp, positionEmbedding } from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/**
 * OPT: learned positions that begin at row 2; the 350M model norms after attention and MLP, and has a narrower embedding.
 * Source: transformers' modeling_opt.py; Zhang et al. 2022.
 */
export const opt = defineArchitecture({
  modelType: "opt",
  tie: { embedding: "model.decoder.embed_tokens", head: "lm_head" },
  fields: {
    vocab_size: count,
    hidden_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    ffn_dim: count,
    max_position_embeddings: withDefault(count, 2048),
    do_layer_norm_before: withDefault(z.boolean(), true),
    _remove_final_layer_norm: withDefault(z.boolean(), false),
    word_embed_proj_dim: optional(count),
    activation_function: withDefault(activationName, "relu"),
    enable_bias: withDefault(z.boolean(), true),
    layer_norm_elementwise_affine: withDefault(z.boolean(), true),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: (config) => ({
    hiddenSize: config.wordEmbedProjDim ?? config.hiddenSize,
    positionsAreBounded: true,
  }),
  forward(config, { program, tiedTo }) {
    const { hiddenSize: width, numAttentionHeads: heads, maxPositionEmbeddings, vocabSize: vocabulary } = config;
    const { enableBias: bias, doLayerNormBefore: isBefore } = config;
    const embeddingWidth = config.wordEmbedProjDim ?? width;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "num_attention_heads", heads, `a divisor of hidden_size (${width})`);
    const norm = { epsilon: 1e-5, affine: config.layerNormElementwiseAffine };

    let x = embedding(program, { module: "model.decoder.embed_tokens", vocabulary, width: embeddingWidth }); // [tokens, embeddingWidth]
    if (embeddingWidth !== width) x = linear(program, x, { module: "model.decoder.project_in", width }); // [tokens, width]
    const table = { module: "model.decoder.embed_positions", positions: maxPositionEmbeddings + 2, width, offset: 2 };
    x = add(program, x, positionEmbedding(program, table), "model.decoder");
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.decoder.layers.${layer}`;
      const module = `${at}.self_attn`;

      const attentionNorm = { module: `${at}.self_attn_layer_norm`, ...norm };
      const a = isBefore ? layerNorm(program, x, attentionNorm) : x; // [tokens, width]
      const query = linear(program, a, { module: `${module}.q_proj`, width, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width, bias });
      const value = linear(program, a, { module: `${module}.v_proj`, width, bias });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads: heads, headDim, scaleQuery: true }); // [tokens, width]
      x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width, bias }), at);
      if (!isBefore) x = layerNorm(program, x, attentionNorm);

      const mlpNorm = { module: `${at}.final_layer_norm`, ...norm };
      const m = isBefore ? layerNorm(program, x, mlpNorm) : x; // [tokens, width]
      const fed = mlp(program, m, {
        module: at,
        kind: config.activationFunction,
        first: { module: `${at}.fc1`, width: config.ffnDim, bias }, // [tokens, inner]
        second: { module: `${at}.fc2`, width, bias },
      });
      x = add(program, x, fed, at);
      if (!isBefore) x = layerNorm(program, x, mlpNorm);
    }
    const hasFinalNorm = isBefore && !config.RemoveFinalLayerNorm;
    if (hasFinalNorm) x = layerNorm(program, x, { module: "model.decoder.final_layer_norm", ...norm }); // [tokens, width]
    const output = { module: "model.decoder.project_out", width: embeddingWidth };
    const hidden = embeddingWidth === width ? x : linear(program, x, output); // [tokens, embeddingWidth]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
