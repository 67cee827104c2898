import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * OLMo 2: norms after attention and MLP, before the residual sum, and over the whole width of query and key.
 * Source: transformers' modeling_olmo2.py; OLMo team 2024, "2 OLMo 2 Furious".
 */
export const olmo2 = defineArchitecture({
  modelType: "olmo2",
  fields: {
    ...decoderFields,
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, unrounded: "all" });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      let query = linear(program, x, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, x, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, x, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, epsilon, roundOnce: true });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, epsilon, roundOnce: true });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(
        program,
        x,
        rmsNorm(program, attended, { module: `${at}.post_attention_layernorm`, epsilon, roundOnce: true }),
        at,
      );

      const fed = gatedMlp(program, x, { module: `${at}.mlp`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, fed, { module: `${at}.post_feedforward_layernorm`, epsilon, roundOnce: true }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon, roundOnce: true }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
