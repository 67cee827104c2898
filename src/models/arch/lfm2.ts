import { z } from "zod";
import { add, attention, causalConvolution, embedding, languageHead, linear, rmsNorm, rowsOf } from "../../layers/index.ts";
import { count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** LFM2: gated short convolutions, with attention in some layers. Source: transformers' modeling_lfm2.py. */
export const lfm2 = defineArchitecture({
  modelType: "lfm2",
  aliases: { tie_embedding: "tie_word_embeddings", conv_L_cache: "conv_l_cache" },
  fields: {
    vocab_size: withDefault(count, 65536),
    hidden_size: withDefault(count, 2560),
    intermediate_size: withDefault(count, 12288),
    block_ff_dim: optional(count), // another name of intermediate_size, which wins
    num_hidden_layers: withDefault(count, 32),
    num_attention_heads: withDefault(count, 32),
    num_key_value_heads: withDefault(count, 8),
    head_dim: optional(count),
    max_position_embeddings: withDefault(count, 128000),
    norm_eps: withDefault(z.number().positive(), 1e-5),
    conv_bias: withDefault(z.boolean(), false),
    conv_l_cache: withDefault(count, 3),
    block_multiple_of: withDefault(count, 256),
    block_ffn_dim_multiplier: z.number().positive().nullable().default(1),
    block_auto_adjust_ff_dim: withDefault(z.boolean(), true),
    full_attn_idxs: optional(z.array(z.int().nonnegative())),
    layer_types: optional(z.array(z.string())),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numHiddenLayers: layers, numAttentionHeads: heads, numKeyValueHeads: keyValueHeads } = config;
    const { normEps: epsilon, convBias: bias, vocabSize: vocabulary } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, defaultTheta: 1e6 });
    const attends = (layer: number) => config.fullAttnIdxs?.includes(layer) ?? true;
    const types =
      config.layerTypes ?? Array.from({ length: layers }, (_, layer) => (attends(layer) ? "full_attention" : "conv"));
    refuse(types.length !== layers, "layer_types", types, `${layers} entries`);
    let width = config.blockFfDim ?? config.intermediateSize;
    if (config.blockAutoAdjustFfDim) {
      width = Math.trunc((2 * width) / 3);
      const { blockFfnDimMultiplier: multiplier, blockMultipleOf: multiple } = config;
      if (multiplier !== null) width = multiple * Math.ceil(Math.trunc(multiplier * width) / multiple);
    }

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(types.length)) {
      const type = types[layer]!;
      const at = `model.layers.${layer}`;
      refuse(!["full_attention", "conv"].includes(type), `layer_types.${layer}`, type, "full_attention, conv");

      const a = rmsNorm(program, x, { module: `${at}.operator_norm`, epsilon }); // [tokens, hidden]
      if (type === "full_attention") {
        const module = `${at}.self_attn`;
        const project = (name: string, count: number) =>
          linear(program, a, { module: `${module}.${name}`, width: count * headDim });
        const query = project("q_proj", heads); // [tokens, heads * headDim]
        const key = project("k_proj", keyValueHeads); // [tokens, keyValueHeads * headDim]
        const value = project("v_proj", keyValueHeads);
        const q = rmsNorm(program, query, { module: `${module}.q_layernorm`, epsilon, groupSize: headDim });
        const k = rmsNorm(program, key, { module: `${module}.k_layernorm`, epsilon, groupSize: headDim });
        const mixed = attention(program, q, k, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
        x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width: hiddenSize }), at);
      } else {
        const module = `${at}.conv`;
        const third = (name: string, index: number) => {
          const rows = [index * hiddenSize, (index + 1) * hiddenSize] as const;
          return linear(program, a, { ...rowsOf(`${module}.in_proj`, name, [rows]), bias }); // [tokens, hidden]
        };
        const [b, c, entering] = [third("b", 0), third("c", 1), third("x", 2)];
        const gated = program.value("multiply", { module, inputs: [b, entering] });
        const filtered = causalConvolution(program, gated, { module: `${module}.conv`, size: config.convLCache, bias });
        const mixed = program.value("multiply", { module, inputs: [c, filtered] }); // [tokens, hidden]
        x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width: hiddenSize, bias }), at);
      }

      const module = `${at}.feed_forward`;
      const m = rmsNorm(program, x, { module: `${at}.ffn_norm`, epsilon }); // [tokens, hidden]
      const inputs = ["w1", "w3"].map((name) => linear(program, m, { module: `${module}.${name}`, width }));
      const fed = program.value("gated_activation", { module, inputs, attributes: { kind: "silu" } }); // [tokens, width]
      x = add(program, x, linear(program, fed, { module: `${module}.w2`, width: hiddenSize }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.embedding_norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
