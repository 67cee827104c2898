import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm, scale } from "../../layers/index.ts";
import { decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Granite 3: Llama with multipliers on embedding, attention, residuals and logits. Source: transformers' modeling_granite.py. */
export const granite = defineArchitecture({
  modelType: "granite",
  fields: {
    ...decoderFields,
    attention_bias: withDefault(z.boolean(), false),
    mlp_bias: withDefault(z.boolean(), false),
    embedding_multiplier: withDefault(z.number(), 1),
    attention_multiplier: withDefault(z.number(), 1),
    residual_multiplier: withDefault(z.number(), 1),
    logits_scaling: withDefault(z.number(), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, mlpBias, hiddenAct: kind, residualMultiplier } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: config.embeddingMultiplier,
    }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const shape = { module, heads, keyValueHeads, headDim, rope, scale: config.attentionMultiplier };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(program, x, scale(program, attended, residualMultiplier, at), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const fed = gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind, bias: mlpBias }); // [tokens, hidden]
      x = add(program, x, scale(program, fed, residualMultiplier, at), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: scale(program, logits, 1 / config.logitsScaling, "lm_head"), hidden };
  },
});
