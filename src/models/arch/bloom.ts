import { z } from "zod";
import {
  add,
  alibiSlopes,
  attention,
  embedding,
  groupedQueryKeyValue,
  languageHead,
  layerNorm,
  linear,
  mlp,
} from "../../layers/index.ts";
import { count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/**
 * BLOOM: ALiBi instead of positions, a norm after the embedding. `slow_but_exact` splits sums of one and the same value
 * and changes nothing here. Source: transformers' modeling_bloom.py; Le Scao et al. 2022.
 */
export const bloom = defineArchitecture({
  modelType: "bloom",
  prefix: "transformer.",
  tie: { embedding: "transformer.word_embeddings", head: "lm_head" },
  aliases: { n_embed: "hidden_size", num_attention_heads: "n_head", num_hidden_layers: "n_layer" },
  fields: {
    vocab_size: withDefault(count, 250880),
    hidden_size: withDefault(count, 64),
    n_layer: withDefault(count, 2),
    n_head: withDefault(count, 8),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    apply_residual_connection_post_layernorm: withDefault(z.boolean(), false),
    seq_length: optional(count),
    max_position_embeddings: optional(count),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: (config) => ({ maxPositions: config.seqLength ?? config.maxPositionEmbeddings ?? 2048 }),
  forward(config, { program, tiedTo }) {
    const { hiddenSize: width, nHead: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
    const normFirst = config.applyResidualConnectionPostLayernorm;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "n_head", heads, `a divisor of hidden_size (${width})`);
    const slopes = alibiSlopes(heads);

    const words = embedding(program, { module: "transformer.word_embeddings", vocabulary, width }); // [tokens, width]
    let x = layerNorm(program, words, { module: "transformer.word_embeddings_layernorm", epsilon });
    for (const layer of program.layers(config.nLayer)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.self_attention`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, width]
      const shape = { module, heads, keyValueHeads: heads, headDim };
      const fused = { ...shape, module: `${module}.query_key_value`, bias: true };
      const { query, key, value } = groupedQueryKeyValue(program, a, fused); // [tokens, heads * headDim] each
      const mixed = attention(program, query, key, value, { ...shape, slopes, fusedScores: true }); // [tokens, width]
      const attended = linear(program, mixed, { module: `${module}.dense`, width, bias: true });
      x = add(program, normFirst ? a : x, attended, at);

      const m = layerNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: "gelu_fast",
        first: { module: `${at}.mlp.dense_h_to_4h`, width: 4 * width, bias: true }, // [tokens, 4 * width]
        second: { module: `${at}.mlp.dense_4h_to_h`, width, bias: true },
      });
      x = add(program, normFirst ? m : x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
