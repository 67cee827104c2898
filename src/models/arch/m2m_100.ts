import { z } from "zod";
import {
  add,
  attention,
  crossAttention,
  embedding,
  encoderAttention,
  languageHead,
  layerNorm,
  linear,
  mlp,
  type ProgramBuilder,
  sinusoidalPosition,
  storeCross,
  type Value,
} from "../../layers/index.ts";
import { activationName, count, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

const epsilon = 1e-5;

/**
 * M2M-100 and NLLB-200: an encoder and a decoder with sinusoidal positions, normed before each part and at the end.
 * Source: transformers' modeling_m2m_100.py; Fan et al. 2020; NLLB Team 2022.
 */
export const m2m100 = defineArchitecture({
  modelType: "m2m_100",
  tie: { embedding: "model.shared", head: "lm_head" },
  olderNames: { "model.shared": "model.encoder.embed_tokens" },
  aliases: { hidden_size: "d_model", num_attention_heads: "encoder_attention_heads", num_hidden_layers: "encoder_layers" },
  fields: {
    vocab_size: withDefault(count, 128112),
    d_model: withDefault(z.int().min(4), 1024),
    encoder_layers: withDefault(count, 12),
    encoder_attention_heads: withDefault(count, 16),
    encoder_ffn_dim: withDefault(count, 4096),
    decoder_layers: withDefault(count, 12),
    decoder_attention_heads: withDefault(count, 16),
    decoder_ffn_dim: withDefault(count, 4096),
    max_position_embeddings: withDefault(count, 1024),
    activation_function: withDefault(activationName, "relu"),
    scale_embedding: withDefault(z.boolean(), true),
    pad_token_id: withDefault(z.int().min(0), 1),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: (config) => ({ hiddenSize: config.dModel }),
  encode(config, { program }) {
    const { dModel: width, encoderAttentionHeads: heads, decoderAttentionHeads, activationFunction: kind } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "encoder_attention_heads", heads, `a divisor of d_model (${width})`);
    let x = embedded(program, "encoder", config); // [tokens, width]
    for (const layer of program.layers(config.encoderLayers)) {
      const at = `model.encoder.layers.${layer}`;
      const module = `${at}.self_attn`;
      const a = layerNorm(program, x, { module: `${at}.self_attn_layer_norm`, epsilon }); // [tokens, width]
      const mixed = encoderAttention(program, ...project(program, a, module, width), { module, heads, headDim });
      x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width, bias: true }), at);
      x = feedForward(program, x, at, { width, inner: config.encoderFfnDim, kind });
    }
    const hidden = layerNorm(program, x, { module: "model.encoder.layer_norm", epsilon }); // [tokens, width]
    const cross = { heads: decoderAttentionHeads, headDim: width / decoderAttentionHeads };
    for (let layer = 0; layer < config.decoderLayers; layer++) {
      const module = `model.decoder.layers.${layer}.encoder_attn`;
      storeCross(program, hidden, { module, ...cross, names: ["k_proj", "v_proj"], bias: true });
    }
    return { hidden };
  },
  forward(config, { program, tiedTo }) {
    const { dModel: width, decoderAttentionHeads: heads, activationFunction: kind, vocabSize: vocabulary } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "decoder_attention_heads", heads, `a divisor of d_model (${width})`);
    refuse(!config.tieWordEmbeddings, "tie_word_embeddings", false, "true: one embedding for encoder, decoder and head");
    let x = embedded(program, "decoder", config); // [tokens, width]
    for (const layer of program.layers(config.decoderLayers)) {
      const at = `model.decoder.layers.${layer}`;

      const self = `${at}.self_attn`;
      const a = layerNorm(program, x, { module: `${at}.self_attn_layer_norm`, epsilon }); // [tokens, width]
      const sizes = { module: self, heads, keyValueHeads: heads, headDim };
      const mixed = attention(program, ...project(program, a, self, width), sizes); // [tokens, width]
      x = add(program, x, linear(program, mixed, { module: `${self}.out_proj`, width, bias: true }), at);

      const cross = `${at}.encoder_attn`;
      const c = layerNorm(program, x, { module: `${at}.encoder_attn_layer_norm`, epsilon }); // [tokens, width]
      const asked = linear(program, c, { module: `${cross}.q_proj`, width, bias: true }); // [tokens, width]
      const read = crossAttention(program, asked, { module: cross, heads, headDim }); // [tokens, width]
      x = add(program, x, linear(program, read, { module: `${cross}.out_proj`, width, bias: true }), at);

      x = feedForward(program, x, at, { width, inner: config.decoderFfnDim, kind });
    }
    const hidden = layerNorm(program, x, { module: "model.decoder.layer_norm", epsilon }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** Tokens plus positions of one stack: [tokens, width]. */
function embedded(
  program: ProgramBuilder,
  stack: "encoder" | "decoder",
  config: { vocabSize: number; dModel: number; scaleEmbedding: boolean; padTokenId: number },
): Value {
  const { vocabSize: vocabulary, dModel: width, scaleEmbedding, padTokenId: padding } = config;
  const scale = scaleEmbedding ? { scale: Math.sqrt(width) } : {};
  const x = embedding(program, { module: "model.shared", vocabulary, width, ...scale });
  const positions = sinusoidalPosition(program, { module: `model.${stack}.embed_positions`, width, padding });
  return add(program, x, positions, `model.${stack}`);
}

/** Query, key and value, each [tokens, width]. */
function project(program: ProgramBuilder, x: Value, module: string, width: number): [Value, Value, Value] {
  const one = (name: string) => linear(program, x, { module: `${module}.${name}`, width, bias: true });
  return [one("q_proj"), one("k_proj"), one("v_proj")];
}

/** x + fc2(act(fc1(norm(x)))). */
function feedForward(
  program: ProgramBuilder,
  x: Value,
  at: string,
  options: { width: number; inner: number; kind: z.output<typeof activationName> },
): Value {
  const { width, inner, kind } = options;
  const m = layerNorm(program, x, { module: `${at}.final_layer_norm`, epsilon }); // [tokens, width]
  const first = { module: `${at}.fc1`, width: inner, bias: true }; // [tokens, inner]
  const second = { module: `${at}.fc2`, width, bias: true };
  return add(program, x, mlp(program, m, { module: at, kind, first, second }), at);
}
