import { z } from "zod";
import {
  add,
  attention,
  embedding,
  languageHead,
  layerNorm,
  linear,
  mlp,
  positionEmbedding,
  rowsOf,
} from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/** GPT-2. Its matrices are stored [in, out] ("Conv1D"). Source: transformers' modeling_gpt2.py; Radford et al. 2019. */
export const gpt2 = defineArchitecture({
  modelType: "gpt2",
  prefix: "transformer.",
  storesInputsFirst: true,
  tie: { embedding: "transformer.wte", head: "lm_head" },
  aliases: {
    max_position_embeddings: "n_positions",
    hidden_size: "n_embd",
    num_attention_heads: "n_head",
    num_hidden_layers: "n_layer",
  },
  fields: {
    vocab_size: count,
    n_positions: withDefault(count, 1024),
    n_embd: count,
    n_layer: count,
    n_head: count,
    n_inner: optional(count),
    activation_function: withDefault(activationName, "gelu_tanh"),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    scale_attn_weights: withDefault(z.boolean(), true),
    scale_attn_by_inverse_layer_idx: withDefault(z.boolean(), false),
    add_cross_attention: withDefault(z.boolean(), false),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: (config) => ({
    hiddenSize: config.nEmbd,
    maxPositions: config.nPositions,
    positionsAreBounded: true,
  }),
  forward(config, { program, tiedTo }) {
    const { nEmbd: width, nHead: heads, nPositions: positions, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "n_head", heads, `a divisor of n_embd (${width})`);
    refuse(config.addCrossAttention, "add_cross_attention", true, "false");
    const inner = config.nInner ?? 4 * width;

    let x = embedding(program, { module: "transformer.wte", vocabulary, width }); // [tokens, width]
    x = add(program, x, positionEmbedding(program, { module: "transformer.wpe", positions, width }), "transformer");
    for (const layer of program.layers(config.nLayer)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.attn`;

      const a = layerNorm(program, x, { module: `${at}.ln_1`, epsilon }); // [tokens, width]
      // c_attn [width, 3 * width] holds query, key and value side by side
      const [query, key, value] = ["query", "key", "value"].map((name, index) => {
        const columns = rowsOf(`${module}.c_attn`, name, [[index * width, (index + 1) * width]], { transposed: true });
        return linear(program, a, { ...columns, bias: true }); // [tokens, heads * headDim]
      });
      const scale =
        (config.scaleAttnWeights ? 1 / Math.sqrt(headDim) : 1) / (config.scaleAttnByInverseLayerIdx ? layer + 1 : 1);
      const mixed = attention(program, query!, key!, value!, { module, heads, keyValueHeads: heads, headDim, scale }); // [tokens, width]
      x = add(program, x, linear(program, mixed, { ...transposed(`${module}.c_proj`), width }), at);

      const m = layerNorm(program, x, { module: `${at}.ln_2`, epsilon }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: config.activationFunction,
        first: { ...transposed(`${at}.mlp.c_fc`), width: inner }, // [tokens, inner]
        second: { ...transposed(`${at}.mlp.c_proj`), width },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

function transposed(module: string) {
  return { module, bias: true, weightFrom: [{ tensor: `${module}.weight`, transpose: true }] };
}
