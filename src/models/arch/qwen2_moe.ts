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
  sharedExpert,
} from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { layerTypeFields, windowsByType } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

/** Qwen 1.5 and 2 with mixtures of experts and a gated shared expert. Source: transformers' modeling_qwen2_moe.py. */
export const qwen2Moe = defineArchitecture({
  modelType: "qwen2_moe",
  fields: {
    ...decoderFields,
    ...layerTypeFields,
    sliding_window: z.int().nonnegative().nullable().default(4096),
    max_position_embeddings: withDefault(count, 32768),
    // absent: 16; null: as many as query heads
    num_key_value_heads: count.nullable().default(16),
    qkv_bias: withDefault(z.boolean(), true),
    decoder_sparse_step: withDefault(count, 1),
    mlp_only_layers: withDefault(z.array(z.int().nonnegative()), []),
    moe_intermediate_size: withDefault(count, 1408),
    shared_expert_intermediate_size: withDefault(count, 5632),
    num_experts: withDefault(z.int().nonnegative(), 60),
    num_experts_per_tok: withDefault(count, 4),
    norm_topk_prob: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { qkvBias: bias, hiddenAct: kind, numExperts: experts, useSlidingWindow, maxWindowLayers } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const slidingWindow = (useSlidingWindow && config.slidingWindow) || undefined;
    const slides = (layer: number) => useSlidingWindow && layer % 2 === 0 && layer < maxWindowLayers;
    const windows = windowsByType({ ...config, slidingWindow }, slides);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const shape = { module, heads, keyValueHeads, headDim, rope, window: windows[layer] };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const isSparse = !config.mlpOnlyLayers.includes(layer) && experts > 0 && (layer + 1) % config.decoderSparseStep === 0;
      if (!isSparse) {
        x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
        continue;
      }
      const fed = mixtureOfExperts(program, m, {
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
      }); // [tokens, hidden]
      const shared = sharedExpert(program, m, {
        module: `${at}.mlp.shared_expert`,
        gate: `${at}.mlp.shared_expert_gate`,
        width: config.sharedExpertIntermediateSize,
        kind,
      }); // [tokens, hidden]
      x = add(program, x, add(program, fed, shared, `${at}.mlp`), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
