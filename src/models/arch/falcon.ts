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
import { roundToBfloat16 } from "../../tensor/convert.ts";
import { activationName, count, onUnlessNull, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * Falcon: one key/value head, or in the larger models (`new_decoder_architecture`) some of them, and attention and MLP
 * side by side. `alibi` is as in transformers' default attention (the one it names "eager" adds it twice).
 * Source: transformers' modeling_falcon.py; Almazrouei et al. 2023.
 */
export const falcon = defineArchitecture({
  modelType: "falcon",
  prefix: "transformer.",
  tie: { embedding: "transformer.word_embeddings", head: "lm_head" },
  aliases: { n_embed: "hidden_size" },
  fields: {
    vocab_size: count,
    hidden_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    num_kv_heads: optional(count),
    ffn_hidden_size: optional(count),
    num_ln_in_parallel_attn: optional(z.union([z.literal(1), z.literal(2)])),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    max_position_embeddings: withDefault(count, 2048),
    activation: withDefault(activationName, "gelu"),
    alibi: withDefault(z.boolean(), false),
    bias: withDefault(z.boolean(), false),
    multi_query: onUnlessNull,
    new_decoder_architecture: withDefault(z.boolean(), false),
    parallel_attn: onUnlessNull,
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize: width, numAttentionHeads: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary, bias } = config;
    const { newDecoderArchitecture: isNew, parallelAttn: isParallel, multiQuery } = config;
    const norms = config.numLnInParallelAttn ?? (isNew ? 2 : 1);
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "num_attention_heads", heads, `a divisor of hidden_size (${width})`);
    refuse(isNew && !isParallel, "parallel_attn", false, "true with new_decoder_architecture");
    refuse(!isNew && isParallel && norms === 2, "num_ln_in_parallel_attn", norms, "1 without new_decoder_architecture");
    const oldHeads = multiQuery ? 1 : heads;
    const keyValueHeads = isNew ? (config.numKvHeads ?? heads) : oldHeads;
    const positions = config.alibi
      ? { slopes: alibiSlopes(heads).map(roundToBfloat16), roundedSlopes: true }
      : { rope: parseRope(raw, { maxPositions: config.maxPositionEmbeddings }) };

    let x = embedding(program, { module: "transformer.word_embeddings", vocabulary, width }); // [tokens, width]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.self_attention`;
      const hasTwo = isParallel && norms === 2;

      const a = layerNorm(program, x, { module: `${at}.${hasTwo ? "ln_attn" : "input_layernorm"}`, epsilon }); // [tokens, width]
      const fused = { module: `${module}.query_key_value`, heads, keyValueHeads, headDim, bias, roundProduct: bias };
      const { query, key, value } = groupedQueryKeyValue(program, a, fused); // [tokens, width], [tokens, keyValueHeads * headDim]
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, ...positions }); // [tokens, width]
      const dense = linear(program, mixed, { module: `${module}.dense`, width, bias, roundProduct: bias }); // [tokens, width]
      const attended = isParallel ? x : add(program, x, dense, at);

      let m = a; // [tokens, width]
      if (hasTwo) m = layerNorm(program, x, { module: `${at}.ln_mlp`, epsilon });
      else if (!isParallel) m = layerNorm(program, attended, { module: `${at}.post_attention_layernorm`, epsilon });
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: config.activation,
        first: { module: `${at}.mlp.dense_h_to_4h`, width: config.ffnHiddenSize ?? 4 * width, bias, roundProduct: bias }, // [tokens, inner]
        second: { module: `${at}.mlp.dense_4h_to_h`, width, bias, roundProduct: bias },
      });
      x = add(program, attended, isParallel ? add(program, dense, fed, at) : fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
