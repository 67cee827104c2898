import { z } from "zod";
import {
  add,
  attention,
  embedding,
  expertLayouts,
  languageHead,
  linear,
  mixtureOfExperts,
  rmsNorm,
} from "../../layers/index.ts";
import { count, decoderFields, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Mixtral: Mistral with a mixture of experts. Source: transformers' modeling_mixtral.py; Jiang et al. 2024. */
export const mixtral = defineArchitecture({
  modelType: "mixtral",
  aliases: { num_experts: "num_local_experts" },
  fields: {
    ...decoderFields,
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    // absent: 8; null: as many as query heads
    num_key_value_heads: count.nullable().default(8),
    sliding_window: optional(count),
    num_local_experts: withDefault(count, 8),
    num_experts_per_tok: withDefault(count, 2),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind, slidingWindow: window, numLocalExperts: experts, numExpertsPerTok } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, defaultTheta: 1e6 });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const moe = `${at}.block_sparse_moe`;
      const fed = mixtureOfExperts(program, m, {
        module: `${moe}.experts`,
        stacked: `${at}.mlp.experts`,
        experts,
        width: intermediateSize,
        kind,
        router: {
          module: `${moe}.gate`,
          otherModule: `${at}.mlp.gate`,
          count: numExpertsPerTok,
          score: "softmax",
          normalize: true,
          unroundedShares: true,
        },
        ...expertLayouts(`${moe}.experts`, experts, { gate: "w1", up: "w3", down: "w2" }, `${at}.mlp.experts`),
      }); // [tokens, hidden]
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
