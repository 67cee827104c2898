import { z } from "zod";
import {
  add,
  attention,
  embedding,
  groupedQueryKeyValue,
  languageHead,
  layerNorm,
  linear,
  mlp,
  positionEmbedding,
} from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/**
 * GPT-BigCode (StarCoder, SantaCoder): GPT-2 with one key/value head for all query heads.
 * Source: transformers' modeling_gpt_bigcode.py; Ben Allal et al. 2023; Shazeer 2019.
 */
export const gptBigCode = defineArchitecture({
  modelType: "gpt_bigcode",
  prefix: "transformer.",
  tie: { embedding: "transformer.wte", head: "lm_head" },
  aliases: {
    max_position_embeddings: "n_positions",
    hidden_size: "n_embd",
    num_attention_heads: "n_head",
    num_hidden_layers: "n_layer",
  },
  fields: {
    vocab_size: count,
    n_positions: withDefault(count, 1024),
    n_embd: count,
    n_layer: count,
    n_head: count,
    n_inner: optional(count),
    activation_function: withDefault(activationName, "gelu_tanh"),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    scale_attn_weights: withDefault(z.boolean(), true),
    multi_query: withDefault(z.boolean(), true),
    add_cross_attention: withDefault(z.boolean(), false),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: (config) => ({
    hiddenSize: config.nEmbd,
    maxPositions: config.nPositions,
    positionsAreBounded: true,
  }),
  forward(config, { program, tiedTo }) {
    const { nEmbd: width, nHead: heads, nPositions: positions, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "n_head", heads, `a divisor of n_embd (${width})`);
    refuse(config.addCrossAttention, "add_cross_attention", true, "false");
    const keyValueHeads = config.multiQuery ? 1 : heads;
    const scale = config.scaleAttnWeights ? 1 / Math.sqrt(headDim) : 1;

    let x = embedding(program, { module: "transformer.wte", vocabulary, width }); // [tokens, width]
    x = add(program, x, positionEmbedding(program, { module: "transformer.wpe", positions, width }), "transformer");
    for (const layer of program.layers(config.nLayer)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.attn`;

      const a = layerNorm(program, x, { module: `${at}.ln_1`, epsilon }); // [tokens, width]
      const fused = { module: `${module}.c_attn`, heads, keyValueHeads, headDim, bias: true };
      const { query, key, value } = groupedQueryKeyValue(program, a, fused); // [tokens, width], [tokens, keyValueHeads * headDim]
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, scale }); // [tokens, width]
      x = add(program, x, linear(program, mixed, { module: `${module}.c_proj`, width, bias: true }), at);

      const m = layerNorm(program, x, { module: `${at}.ln_2`, epsilon }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: config.activationFunction,
        first: { module: `${at}.mlp.c_fc`, width: config.nInner ?? 4 * width, bias: true }, // [tokens, inner]
        second: { module: `${at}.mlp.c_proj`, width, bias: true },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
