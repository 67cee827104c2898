import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp, type Rope, rowsOf } from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/** `qkv_proj` holds four parts, each with its heads' queries, values and keys, whatever it was trained on. */
const parts = 4;

/**
 * CodeGen: GPT-J with one module for queries, values and keys. Source: transformers' modeling_codegen.py; Nijkamp et al.
 * 2022.
 */
export const codegen = defineArchitecture({
  modelType: "codegen",
  prefix: "transformer.",
  tie: { embedding: "transformer.wte", head: "lm_head" },
  aliases: {
    max_position_embeddings: "n_positions",
    hidden_size: "n_embd",
    num_attention_heads: "n_head",
    num_hidden_layers: "n_layer",
  },
  fields: {
    vocab_size: withDefault(count, 50400),
    n_positions: withDefault(count, 2048),
    n_embd: withDefault(count, 4096),
    n_layer: withDefault(count, 28),
    n_head: withDefault(count, 16),
    n_inner: optional(count),
    // absent: 64; null: the whole width, which no model has
    rotary_dim: count.nullable().default(64),
    activation_function: withDefault(activationName, "gelu_tanh"),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    tie_word_embeddings: withDefault(z.boolean(), false),
  },
  facts: (config) => ({
    hiddenSize: config.nEmbd,
    maxPositions: config.nPositions,
    positionsAreBounded: true, // its table of sines ends there
  }),
  forward(config, { program, tiedTo }) {
    const { nEmbd: width, nHead: heads, rotaryDim, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "n_head", heads, `a divisor of n_embd (${width})`);
    refuse(heads % parts !== 0, "n_head", heads, `a multiple of ${parts}`);
    const turned = rotaryDim ?? 0;
    refuse(turned < 2 || turned > headDim || turned % 2 !== 0, "rotary_dim", rotaryDim, `an even number up to ${headDim}`);
    const rope: Rope = { kind: "default", theta: 10000, rotaryDim: turned, interleaved: true, unrounded: "all" };

    let x = embedding(program, { module: "transformer.wte", vocabulary, width }); // [tokens, width]
    for (const layer of program.layers(config.nLayer)) {
      const at = `transformer.h.${layer}`;
      const module = `${at}.attn`;

      const a = layerNorm(program, x, { module: `${at}.ln_1`, epsilon }); // [tokens, width]
      const part = (name: string, place: number) =>
        linear(program, a, rowsOf(`${module}.qkv_proj`, name, runsOf(width, place)));
      const query = part("query", 0); // [tokens, heads * headDim]
      const value = part("value", 1);
      const key = part("key", 2);
      const mixed = attention(program, query, key, value, {
        module,
        heads,
        keyValueHeads: heads,
        headDim,
        rope,
        unroundedScores: true,
      }); // [tokens, width]
      const attended = linear(program, mixed, { module: `${module}.out_proj`, width }); // [tokens, width]

      const fed = mlp(program, a, {
        module: `${at}.mlp`,
        kind: config.activationFunction,
        first: { module: `${at}.mlp.fc_in`, width: config.nInner ?? 4 * width, bias: true }, // [tokens, inner]
        second: { module: `${at}.mlp.fc_out`, width, bias: true },
      });
      x = add(program, x, add(program, attended, fed, at), at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.ln_f", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, bias: true, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** Rows of qkv_proj that are the queries (place 0), values (1) or keys (2). */
function runsOf(width: number, place: number): [number, number][] {
  const size = width / parts;
  return Array.from({ length: parts }, (_, part) => [(3 * part + place) * size, (3 * part + place + 1) * size]);
}
