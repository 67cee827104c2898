import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

/**
 * EXAONE 4: norms after attention and MLP and on every query and key head; layers without a window have no positions
 * where others have one. Source: transformers' modeling_exaone4.py; LG AI Research 2025, "EXAONE 4.0".
 */
export const exaone4 = defineArchitecture({
  modelType: "exaone4",
  fields: {
    ...decoderFields,
    ...slidingFields,
    num_key_value_heads: withDefault(count, 32),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    // absent: 4096; null: no layer has a window
    sliding_window: count.nullable().default(4096),
    // every n-th layer has no window, or a letter for each layer in turn: L has one, G has none
    sliding_window_pattern: withDefault(
      z.union([z.int().nonnegative(), z.string().regex(/^[LG]+$/, "a number, or letters L and G")]),
      4,
    ),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, hiddenAct: kind, slidingWindowPattern: pattern } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const slidingWindow = config.slidingWindow ?? undefined;
    const isMissing = pattern === 0 && slidingWindow !== undefined && config.layerTypes === undefined;
    refuse(isMissing, "sliding_window_pattern", pattern, "a positive number with sliding_window");
    const windows = windowsByType({ ...config, slidingWindow }, (layer) => {
      if (slidingWindow === undefined) return false;
      return typeof pattern === "number" ? (layer + 1) % pattern !== 0 : pattern[layer % pattern.length] === "L";
    });
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const window = windows[layer];

      let query = linear(program, x, { module: `${module}.q_proj`, width: heads * headDim }); // [tokens, heads * headDim]
      let key = linear(program, x, { module: `${module}.k_proj`, width: keyValueHeads * headDim }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, x, { module: `${module}.v_proj`, width: keyValueHeads * headDim });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, epsilon, groupSize: headDim });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, epsilon, groupSize: headDim });
      const positions = { rope: slidingWindow === undefined || window !== undefined ? rope : undefined, window };
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, ...positions }); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, attended, { module: `${at}.post_attention_layernorm`, epsilon }), at);

      const fed = gatedMlp(program, x, { module: `${at}.mlp`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, rmsNorm(program, fed, { module: `${at}.post_feedforward_layernorm`, epsilon }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
