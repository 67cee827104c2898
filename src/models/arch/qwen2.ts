import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { layerTypeFields, layerWindows } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

/** Qwen 2 and 2.5: biases on query, key and value. Source: transformers' modeling_qwen2.py; Yang et al. 2024. */
export const qwen2 = defineArchitecture({
  modelType: "qwen2",
  fields: { ...decoderFields, ...layerTypeFields, max_position_embeddings: withDefault(count, 32768) },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const windows = layerWindows(config);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const window = windows[layer];

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias: true }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias: true }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias: true });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
