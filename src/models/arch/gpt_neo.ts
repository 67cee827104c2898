import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp, positionEmbedding } from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

const pattern = z.tuple([z.array(z.enum(["global", "local"])), z.int().nonnegative()]);

/**
 * GPT-Neo: every other layer in a window; scores are not scaled.
 * Source: transformers' modeling_gpt_neo.py; Black et al. 2021.
 */
export const gptNeo = defineArchitecture({
  modelType: "gpt_neo",
  prefix: "transformer.",
  tie: { embedding: "transformer.wte", head: "lm_head" },
  aliases: { num_attention_heads: "num_heads", num_hidden_layers: "num_layers" },
  fields: {
    vocab_size: count,
    hidden_size: count,
    num_layers: count,
    num_heads: count,
    intermediate_size: optional(count),
    max_position_embeddings: withDefault(count, 2048),
    attention_types: withDefault(z.array(pattern), [[["global", "local"], 12]]),
    window_size: withDefault(count, 256),
    activation_function: withDefault(activationName, "gelu_tanh"),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: () => ({ positionsAreBounded: true }),
  forward(config, { program, tiedTo }) {
    const { hiddenSize: width, numHeads: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "num_heads", heads, `a divisor of hidden_size (${width})`);
    const named = config.attentionTypes.reduce((sum, [kinds, times]) => sum + kinds.length * times, 0);
    refuse(named !== config.numLayers, "attention_types", config.attentionTypes, `${config.numLayers} layers in all`);
    const types = config.attentionTypes.flatMap(([kinds, times]) => Array(times).fill(kinds).flat() as string[]);

    let x = embedding(program, { module: "transformer.wte", vocabulary, width }); // [tokens, width]
    const table = { module: "transformer.wpe", positions: config.maxPositionEmbeddings, width };
    x = add(program, x, positionEmbedding(program, table), "transformer");
    for (const layer of program.layers(config.numLayers)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.attn.attention`;
      const window = types[layer] === "local" ? config.windowSize : undefined;

      const a = layerNorm(program, x, { module: `${at}.ln_1`, epsilon }); // [tokens, width]
      const query = linear(program, a, { module: `${module}.q_proj`, width }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width });
      const value = linear(program, a, { module: `${module}.v_proj`, width });
      const shape = { module, heads, keyValueHeads: heads, headDim, window, scale: 1, unroundedScores: true };
      const mixed = attention(program, query, key, value, shape); // [tokens, width]
      x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width, bias: true }), at);

      const m = layerNorm(program, x, { module: `${at}.ln_2`, epsilon }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind: config.activationFunction,
        first: { module: `${at}.mlp.c_fc`, width: config.intermediateSize ?? 4 * width, bias: true }, // [tokens, inner]
        second: { module: `${at}.mlp.c_proj`, width, bias: true },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
