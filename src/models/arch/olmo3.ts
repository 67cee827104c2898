import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRopeOfLayerType } from "../rope-config.ts";

/**
 * OLMo 3: OLMo 2 with three layers in a window for each one without; the two kinds turn by angles of their own.
 * Source: transformers' modeling_olmo3.py; OLMo team 2025.
 */
export const olmo3 = defineArchitecture({
  modelType: "olmo3",
  fields: {
    ...decoderFields,
    ...slidingFields,
    sliding_window: count.nullable().default(4096),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const slidingWindow = config.slidingWindow ?? undefined;
    const windows = windowsByType({ ...config, slidingWindow }, (layer) => (layer + 1) % 4 !== 0);
    // transformers reads rope_theta of older files as the base of full attention only
    const turning = { defaultTheta: 500000, maxPositions: config.maxPositionEmbeddings, unrounded: "all" as const };
    const slidingRope = parseRopeOfLayerType(raw, "sliding_attention", { ...turning, thetaField: "" });
    const fullRope = parseRopeOfLayerType(raw, "full_attention", { ...turning, thetaField: "rope_theta" });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const window = windows[layer];
      const rope = window === undefined ? fullRope : slidingRope;

      let query = linear(program, x, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, x, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, x, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, epsilon, roundOnce: true });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, epsilon, roundOnce: true });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
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
