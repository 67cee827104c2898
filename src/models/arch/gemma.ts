import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { activationName, count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * Gemma: embeddings times √hidden, norm weights that count from 1, GELU in the gate.
 * Source: transformers' modeling_gemma.py; Gemma team 2024.
 */
export const gemma = defineArchitecture({
  modelType: "gemma",
  fields: {
    ...decoderFields,
    num_key_value_heads: withDefault(count, 16),
    head_dim: withDefault(count, 256),
    // "gelu" is what the first releases wrote for its tanh form
    hidden_act: z
      .string()
      .nullish()
      .transform((name) => (name === "gelu" ? "gelu_pytorch_tanh" : (name ?? "gelu_pytorch_tanh")))
      .pipe(activationName),
    max_position_embeddings: withDefault(count, 8192),
    attention_bias: withDefault(z.boolean(), false),
    use_bidirectional_attention: withDefault(z.boolean(), false),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, headDim, attentionBias: bias, hiddenAct: kind } = config;
    refuse(config.useBidirectionalAttention, "use_bidirectional_attention", true, "false");
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });
    const norm = { epsilon, unitOffset: true };

    let x = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, ...norm }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
