import { z } from "zod";
import {
  add,
  embedding,
  expertLayouts,
  gatedAttention,
  gatedDeltaNet,
  gatedMlp,
  languageHead,
  mixtureOfExperts,
  rmsNorm,
  rowsOf,
  sharedExpert,
} from "../../layers/index.ts";
import { count, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { attentionLayers, linearAttentionFields } from "../linear-attention.ts";
import { parseRope } from "../rope-config.ts";

/** Qwen3-Next: gated delta nets and gated attention, with mixtures of experts. Source: transformers' modeling_qwen3_next.py. */
export const qwen3Next = defineArchitecture({
  modelType: "qwen3_next",
  fields: {
    ...linearAttentionFields,
    intermediate_size: withDefault(count, 5632),
    decoder_sparse_step: withDefault(count, 1),
    mlp_only_layers: withDefault(z.array(z.int().nonnegative()), []),
    moe_intermediate_size: withDefault(count, 512),
    shared_expert_intermediate_size: withDefault(count, 512),
    num_experts: withDefault(z.int().nonnegative(), 512),
    num_experts_per_tok: withDefault(count, 10),
    norm_topk_prob: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, headDim, numAttentionHeads: heads, numKeyValueHeads: keyValueHeads = 2 } = config;
    const { rmsNormEps: epsilon, attentionBias: bias, hiddenAct: kind, vocabSize: vocabulary, numExperts: experts } = config;
    const { linearNumKeyHeads: keyHeads, linearNumValueHeads: valueHeads } = config;
    const { linearKeyHeadDim: keyHeadDim, linearValueHeadDim: valueHeadDim } = config;
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, defaultPartialRotaryFactor: 0.25 });
    const norm = { epsilon, unitOffset: true };

    // in_proj_qkvz and in_proj_ba hold for each key head its query and key, then values and gates (b and a) that it serves
    const served = Math.floor(valueHeads / keyHeads);
    const runs = (size: number, first: number, last: number) =>
      Array.from({ length: keyHeads }, (_, head) => [head * size + first, head * size + last] as const);
    const valueWidth = served * valueHeadDim;
    const ofAll = (first: number, last: number) => runs(2 * keyHeadDim + 2 * valueWidth, first, last);
    const queries = ofAll(0, keyHeadDim);
    const keys = ofAll(keyHeadDim, 2 * keyHeadDim);
    const values = ofAll(2 * keyHeadDim, 2 * keyHeadDim + valueWidth);
    const gates = ofAll(2 * keyHeadDim + valueWidth, 2 * keyHeadDim + 2 * valueWidth);

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    const attends = attentionLayers(config);
    for (const layer of program.layers(attends.length)) {
      const at = `model.layers.${layer}`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      if (attends[layer]) {
        const shape = { heads, keyValueHeads, headDim, rope, bias, epsilon };
        x = add(program, x, gatedAttention(program, a, { module: `${at}.self_attn`, ...shape }), at);
      } else {
        const module = `${at}.linear_attn`;
        const learned = gatedDeltaNet(program, a, {
          module,
          ...{ keyHeads, valueHeads, keyHeadDim, valueHeadDim, kind, epsilon },
          convolutionSize: config.linearConvKernelDim,
          projections: {
            mixed: rowsOf(`${module}.in_proj_qkvz`, "mixed", [...queries, ...keys, ...values]),
            gate: rowsOf(`${module}.in_proj_qkvz`, "gate", gates),
            a: rowsOf(`${module}.in_proj_ba`, "a", runs(2 * served, served, 2 * served)),
            b: rowsOf(`${module}.in_proj_ba`, "b", runs(2 * served, 0, served)),
          },
        }); // [tokens, hidden]
        x = add(program, x, learned, at);
      }

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, ...norm }); // [tokens, hidden]
      const isSparse = !config.mlpOnlyLayers.includes(layer) && experts > 0 && (layer + 1) % config.decoderSparseStep === 0;
      if (!isSparse) {
        x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: config.intermediateSize, kind }), at);
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
    const hidden = rmsNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
