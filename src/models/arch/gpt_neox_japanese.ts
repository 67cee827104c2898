import { z } from "zod";
import { add, attention, embedding, groupedQueryKeyValue, languageHead, layerNorm, linear, mlp } from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * ABEJA's Japanese GPT-NeoX: attention, then MLP, without biases, except one after the last layer's attention.
 * Source: transformers' modeling_gpt_neox_japanese.py.
 */
export const gptNeoXJapanese = defineArchitecture({
  modelType: "gpt_neox_japanese",
  prefix: "gpt_neox_japanese.",
  tie: { embedding: "gpt_neox_japanese.embed_in", head: "embed_out" },
  fields: {
    vocab_size: withDefault(count, 32000),
    hidden_size: withDefault(count, 2560),
    num_hidden_layers: withDefault(count, 32),
    num_attention_heads: withDefault(count, 32),
    intermediate_multiple_size: withDefault(z.number().positive(), 4),
    hidden_act: withDefault(activationName, "gelu"),
    max_position_embeddings: withDefault(count, 2048),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    tie_word_embeddings: withDefault(z.boolean(), true),
    rotary_emb_base: optional(z.number()),
    rotary_pct: optional(z.number()),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize: width, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind, numHiddenLayers: layers } = config;
    const inner = Math.trunc(width * config.intermediateMultipleSize);
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "num_attention_heads", heads, `a divisor of hidden_size (${width})`);
    // outside of rope_parameters, transformers reads only rotary_emb_base and rotary_pct
    const rope = parseRope(
      { ...(raw as object), rope_theta: undefined, partial_rotary_factor: undefined },
      {
        defaultTheta: config.rotaryEmbBase ?? 10000,
        defaultPartialRotaryFactor: config.rotaryPct ?? 1,
        evenPartOf: headDim,
        maxPositions: config.maxPositionEmbeddings,
      },
    );

    let x = embedding(program, { module: "gpt_neox_japanese.embed_in", vocabulary, width }); // [tokens, width]
    for (const layer of program.layers(layers)) {
      const at = `gpt_neox_japanese.layers.${layer}`;
      const module = `${at}.attention`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, width]
      const fused = { module: `${module}.query_key_value`, heads, keyValueHeads: heads, headDim, bias: false };
      const { query, key, value } = groupedQueryKeyValue(program, a, fused); // [tokens, width] each
      const mixed = attention(program, query, key, value, {
        module,
        heads,
        keyValueHeads: heads,
        headDim,
        rope,
        fusedScores: true,
      }); // [tokens, width]
      const bias = layer === layers - 1;
      const biasFrom = [{ tensor: `${module}.dense_bias` }];
      x = add(program, x, linear(program, mixed, { module: `${module}.dense`, width, bias, biasFrom, roundProduct: bias }), at);

      const m = layerNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind,
        first: { module: `${at}.mlp.dense_h_to_4h`, width: inner }, // [tokens, inner]
        second: { module: `${at}.mlp.dense_4h_to_h`, width },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "gpt_neox_japanese.final_layer_norm", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "embed_out", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
