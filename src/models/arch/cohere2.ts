import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, layerNorm, linear, scale } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, head_dim: __, ...shared } = decoderFields;

/**
 * Command R7B and Command A: Command R with three layers in a window for each one without; only those in a window have positions.
 * Source: transformers' modeling_cohere2.py; Cohere 2025, "Command A".
 */
export const cohere2 = defineArchitecture({
  modelType: "cohere2",
  fields: {
    ...shared,
    ...slidingFields,
    max_position_embeddings: withDefault(count, 8192),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    sliding_window: count.nullable().default(4096),
    sliding_window_pattern: withDefault(count, 4),
    logit_scale: withDefault(z.number(), 0.0625),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = Math.floor(hiddenSize / heads);
    const slidingWindow = config.slidingWindow ?? undefined;
    const windows = windowsByType({ ...config, slidingWindow }, (layer) => (layer + 1) % config.slidingWindowPattern !== 0);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, interleaved: true, unrounded: "products" });
    const norm = { epsilon, bias: false };

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const window = windows[layer];

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, ...norm }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const positions = { rope: window === undefined ? undefined : rope, window };
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, ...positions }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      x = add(program, x, gatedMlp(program, a, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = layerNorm(program, x, { module: "model.norm", ...norm }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: scale(program, logits, config.logitScale, "lm_head"), hidden };
  },
});
