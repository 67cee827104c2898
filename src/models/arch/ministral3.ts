import { z } from "zod";
import {
  add,
  attention,
  embedding,
  gatedMlp,
  languageHead,
  linear,
  rmsNorm,
  rotate,
  scaleByPosition,
} from "../../layers/index.ts";
import { count, decoderFields, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope, withRotaryDefaults } from "../rope-config.ts";
import { queryGrowth } from "../score-scale.ts";

/** The rotary parameters that transformers takes where config.json has none. */
const yarn = {
  rope_type: "yarn",
  rope_theta: 1000000,
  factor: 16,
  original_max_position_embeddings: 16384,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** Ministral 3: Mistral whose queries grow with the context. Source: transformers' modeling_ministral3.py. */
export const ministral3 = defineArchitecture({
  modelType: "ministral3",
  fields: {
    ...decoderFields,
    vocab_size: withDefault(count, 131072),
    hidden_size: withDefault(count, 4096),
    intermediate_size: withDefault(count, 14336),
    num_hidden_layers: withDefault(count, 34),
    num_attention_heads: withDefault(count, 32),
    // absent: as given; null: as many as query heads, hidden_size / num_attention_heads
    num_key_value_heads: count.nullable().default(8),
    head_dim: count.nullable().default(128),
    max_position_embeddings: withDefault(count, 262144),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    sliding_window: optional(count),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const { slidingWindow: window, maxPositionEmbeddings: maxPositions } = config;
    const given = withRotaryDefaults(raw, yarn);
    const rope = parseRope(given, { maxPositions });
    const growth = queryGrowth(given, rope, maxPositions);

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim });
      query = rotate(program, query, { module, heads, headDim, rope });
      key = rotate(program, key, { module, heads: keyValueHeads, headDim, rope });
      query = scaleByPosition(program, query, { module, ...growth, roundFactor: true });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
