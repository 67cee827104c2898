import { add, embedding, gatedAttention, gatedDeltaNet, gatedMlp, languageHead, rmsNorm } from "../../layers/index.ts";
import { defineArchitecture } from "../define.ts";
import { attentionLayers, linearAttentionFields } from "../linear-attention.ts";
import { parseRope } from "../rope-config.ts";

/** Qwen 3.5, text: gated delta nets and gated attention. Source: transformers' modeling_qwen3_5.py. */
export const qwen35Text = defineArchitecture({
  modelType: "qwen3_5_text",
  fields: linearAttentionFields,
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, headDim, numAttentionHeads: heads, numKeyValueHeads: keyValueHeads = 4 } = config;
    const { rmsNormEps: epsilon, attentionBias: bias, hiddenAct: kind, vocabSize: vocabulary } = config;
    const { linearNumKeyHeads: keyHeads, linearNumValueHeads: valueHeads } = config;
    const { linearKeyHeadDim: keyHeadDim, linearValueHeadDim: valueHeadDim } = config;
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, defaultPartialRotaryFactor: 0.25 });
    const norm = { epsilon, unitOffset: true };

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
            mixed: { module: `${module}.in_proj_qkv`, width: 2 * keyHeads * keyHeadDim + valueHeads * valueHeadDim },
            gate: { module: `${module}.in_proj_z`, width: valueHeads * valueHeadDim },
            a: { module: `${module}.in_proj_a`, width: valueHeads },
            b: { module: `${module}.in_proj_b`, width: valueHeads },
          },
        }); // [tokens, hidden]
        x = add(program, x, learned, at);
      }

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, ...norm }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: config.intermediateSize, kind }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
