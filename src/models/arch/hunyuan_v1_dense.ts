import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm, rotate } from "../../layers/index.ts";
import { decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * HunYuan: a norm on every query and key head, after rotation; `alpha` stretches the rotary base.
 * Source: transformers' modeling_hunyuan_v1_dense.py; Tencent 2025.
 */
export const hunYuanV1Dense = defineArchitecture({
  modelType: "hunyuan_v1_dense",
  fields: {
    ...decoderFields,
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind, maxPositionEmbeddings: maxPositions } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const rope = parseRope(raw, { maxPositions, alphaOver: headDim });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
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
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
