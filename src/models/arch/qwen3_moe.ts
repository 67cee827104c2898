import { z } from "zod";
import {
  add,
  attention,
  embedding,
  expertLayouts,
  gatedMlp,
  languageHead,
  linear,
  mixtureOfExperts,
  rmsNorm,
} from "../../layers/index.ts";
import { count, decoderFields, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Qwen 3 with mixtures of experts. Source: transformers' modeling_qwen3_moe.py; Yang et al. 2025. */
export const qwen3Moe = defineArchitecture({
  modelType: "qwen3_moe",
  aliases: { num_local_experts: "num_experts" },
  fields: {
    ...decoderFields,
    max_position_embeddings: withDefault(count, 32768),
    num_key_value_heads: withDefault(count, 4),
    attention_bias: withDefault(z.boolean(), false),
    use_sliding_window: withDefault(z.boolean(), false),
    sliding_window: optional(count),
    decoder_sparse_step: withDefault(count, 1),
    mlp_only_layers: withDefault(z.array(z.int().nonnegative()), []),
    moe_intermediate_size: withDefault(count, 768),
    num_experts: withDefault(z.int().nonnegative(), 128),
    num_experts_per_tok: withDefault(count, 8),
    norm_topk_prob: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind, numKeyValueHeads: keyValueHeads, numExperts: experts } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const window = config.useSlidingWindow ? config.slidingWindow : undefined;
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, epsilon, groupSize: headDim });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, epsilon, groupSize: headDim });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const isSparse = !config.mlpOnlyLayers.includes(layer) && experts > 0 && (layer + 1) % config.decoderSparseStep === 0;
      const fed = isSparse
        ? mixtureOfExperts(program, m, {
            module: `${at}.mlp.experts`,
            experts,
            width: config.moeIntermediateSize,
            kind,
            router: {
              module: `${at}.mlp.gate`,
              count: config.numExpertsPerTok,
              score: "softmax",
              normalize: config.normTopkProb,
            },
            ...expertLayouts(`${at}.mlp.experts`, experts),
          })
        : gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
