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
  rotate,
} from "../../layers/index.ts";
import { count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * HunYuan with mixtures of experts beside one MLP that every token goes through; `intermediate_size` is the width of
 * both. Source: transformers' modeling_hunyuan_v1_moe.py; Tencent 2025.
 */
export const hunYuanV1Moe = defineArchitecture({
  modelType: "hunyuan_v1_moe",
  aliases: { num_experts_per_tok: "moe_topk", num_local_experts: "num_experts" },
  fields: {
    ...decoderFields,
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    num_experts: withDefault(count, 1),
    // one number for all layers, or a list with one for each
    moe_topk: withDefault(z.union([count, z.array(count)]), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const {
      hiddenSize,
      intermediateSize: width,
      numAttentionHeads: heads,
      rmsNormEps: epsilon,
      vocabSize: vocabulary,
    } = config;
    const { attentionBias: bias, hiddenAct: kind, maxPositionEmbeddings: maxPositions } = config;
    const { numHiddenLayers: layers, numExperts: experts, moeTopk } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const chosen = typeof moeTopk === "number" ? Array<number>(layers).fill(moeTopk) : moeTopk;
    refuse(chosen.length < layers, "moe_topk", moeTopk, `a number, or one for each of ${layers} layers`);
    const rope = parseRope(raw, { maxPositions, alphaOver: headDim });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(layers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rotate(program, query, { module, heads, headDim, rope });
      key = rotate(program, key, { module, heads: keyValueHeads, headDim, rope });
      query = rmsNorm(program, query, { module: `${module}.query_layernorm`, epsilon, groupSize: headDim });
      key = rmsNorm(program, key, { module: `${module}.key_layernorm`, epsilon, groupSize: headDim });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const fed = mixtureOfExperts(program, m, {
        module: `${at}.mlp.experts`,
        experts,
        width,
        kind,
        router: { module: `${at}.mlp.gate.wg`, count: chosen[layer]!, score: "softmax", normalize: true },
        ...expertLayouts(`${at}.mlp.experts`, experts),
      }); // [tokens, hidden]
      const shared = gatedMlp(program, m, { module: `${at}.mlp.shared_mlp`, width, kind }); // [tokens, hidden]
      x = add(program, x, add(program, fed, shared, `${at}.mlp`), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
