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
  positionEmbedding,
  storeCross,
  type Value,
} from "../../layers/index.ts";
import type { CamelKeys } from "../camel-case.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

const epsilon = 1e-5;

const fields = {
  vocab_size: withDefault(count, 50265),
  d_model: withDefault(count, 1024),
  encoder_layers: withDefault(count, 12),
  encoder_attention_heads: withDefault(count, 16),
  encoder_ffn_dim: withDefault(count, 4096),
  decoder_layers: withDefault(count, 12),
  decoder_attention_heads: withDefault(count, 16),
  decoder_ffn_dim: withDefault(count, 4096),
  max_position_embeddings: withDefault(count, 1024),
  activation_function: withDefault(activationName, "gelu"),
  scale_embedding: withDefault(z.boolean(), false),
  is_encoder_decoder: optional(z.boolean()),
  tie_word_embeddings: withDefault(z.boolean(), true),
};

type Config = CamelKeys<z.output<z.ZodObject<typeof fields>>>;

/** BART: an encoder and a decoder with learned positions from row 2 on, normed after each part. */
export const bart = architecture("bart", "after");

/** mBART: BART in many languages, normed before each part, and once more at the end of encoder and decoder. */
export const mbart = architecture("mbart", "before");

/** Source: transformers' modeling_bart.py and modeling_mbart.py; Lewis et al. 2020; Liu et al. 2020. */
function architecture(modelType: string, norms: Norms) {
  return defineArchitecture({
    modelType,
    tie: { embedding: "model.shared", head: "lm_head" },
    olderNames: { "model.shared": "model.encoder.embed_tokens" },
    aliases: { hidden_size: "d_model", num_attention_heads: "encoder_attention_heads", num_hidden_layers: "encoder_layers" },
    fields,
    facts: (config) => ({ hiddenSize: config.dModel, positionsAreBounded: true }),
    encode(config, { program }) {
      const { dModel, encoderAttentionHeads: heads } = config;
      const headDim = headWidth(config, "encoder");
      let x = embedded(program, "encoder", config); // [tokens, dModel]
      for (const layer of program.layers(config.encoderLayers)) {
        const at = `model.encoder.layers.${layer}`;
        const module = `${at}.self_attn`;
        x = residual(program, x, norms, `${at}.self_attn_layer_norm`, (a) => {
          const mixed = encoderAttention(program, ...project(program, a, module, dModel), { module, heads, headDim });
          return output(program, mixed, module, dModel);
        });
        x = feedForward(program, x, norms, at, { ...config, inner: config.encoderFfnDim });
      }
      const hidden = atEnd(program, x, norms, "encoder"); // [tokens, dModel]
      const cross = { heads: config.decoderAttentionHeads, headDim: headWidth(config, "decoder") };
      for (let layer = 0; layer < config.decoderLayers; layer++) {
        const module = `model.decoder.layers.${layer}.encoder_attn`;
        storeCross(program, hidden, { module, ...cross, names: ["k_proj", "v_proj"], bias: true });
      }
      return { hidden };
    },
    forward(config, { program, tiedTo, has }) {
      const { dModel, decoderAttentionHeads: heads, vocabSize: vocabulary } = config;
      const headDim = headWidth(config, "decoder");
      refuse(config.isEncoderDecoder === false, "is_encoder_decoder", false, "true: the decoder alone is not loaded");
      let x = embedded(program, "decoder", config); // [tokens, dModel]
      for (const layer of program.layers(config.decoderLayers)) {
        const at = `model.decoder.layers.${layer}`;
        const self = `${at}.self_attn`;
        x = residual(program, x, norms, `${at}.self_attn_layer_norm`, (a) => {
          const options = { module: self, heads, keyValueHeads: heads, headDim };
          return output(program, attention(program, ...project(program, a, self, dModel), options), self, dModel);
        });
        const cross = `${at}.encoder_attn`;
        x = residual(program, x, norms, `${at}.encoder_attn_layer_norm`, (c) => {
          const asked = linear(program, c, { module: `${cross}.q_proj`, width: dModel, bias: true }); // [tokens, dModel]
          return output(program, crossAttention(program, asked, { module: cross, heads, headDim }), cross, dModel);
        });
        x = feedForward(program, x, norms, at, { ...config, inner: config.decoderFfnDim });
      }
      const hidden = atEnd(program, x, norms, "decoder"); // [tokens, dModel]
      const bias = has("final_logits_bias") ? [{ tensor: "final_logits_bias", index: 0 }] : undefined; // stored as [1, vocabulary]
      const shifted = bias && { bias: true, biasFrom: bias, roundProduct: true };
      const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo, ...shifted }); // [rows, vocabulary]
      return { logits, hidden };
    },
  });
}

type Stack = "encoder" | "decoder";

/** The norm of a part stands before the part (mBART), or after its sum with x (BART). */
type Norms = "before" | "after";

/** Values of one head. */
function headWidth({ dModel, encoderAttentionHeads, decoderAttentionHeads }: Config, stack: Stack): number {
  const heads = stack === "encoder" ? encoderAttentionHeads : decoderAttentionHeads;
  const headDim = dModel / heads;
  refuse(!Number.isInteger(headDim), `${stack}_attention_heads`, heads, `a divisor of d_model (${dModel})`);
  return headDim;
}

/** Tokens and positions of one stack, summed and normed: [tokens, dModel]. */
function embedded(program: ProgramBuilder, stack: Stack, config: Config): Value {
  const { vocabSize: vocabulary, dModel: width, maxPositionEmbeddings } = config;
  // without tying, each stack has a table of its own, and so has the head
  const table = config.tieWordEmbeddings ? "model.shared" : `model.${stack}.embed_tokens`;
  const scale = config.scaleEmbedding ? Math.sqrt(width) : undefined;
  const x = embedding(program, { module: table, vocabulary, width, ...(scale && { scale }) });
  const rows = { module: `model.${stack}.embed_positions`, positions: maxPositionEmbeddings + 2, width, offset: 2 };
  const sum = add(program, x, positionEmbedding(program, rows), `model.${stack}`);
  return layerNorm(program, sum, { module: `model.${stack}.layernorm_embedding`, epsilon });
}

/** x + part(x), with the norm where it belongs. */
function residual(program: ProgramBuilder, x: Value, norms: Norms, module: string, part: (x: Value) => Value): Value {
  if (norms === "before") return add(program, x, part(layerNorm(program, x, { module, epsilon })), module);
  return layerNorm(program, add(program, x, part(x), module), { module, epsilon });
}

/** Query, key and value, each [tokens, width]. */
function project(program: ProgramBuilder, x: Value, module: string, width: number): [Value, Value, Value] {
  const one = (name: string) => linear(program, x, { module: `${module}.${name}`, width, bias: true });
  return [one("q_proj"), one("k_proj"), one("v_proj")];
}

function output(program: ProgramBuilder, x: Value, module: string, width: number): Value {
  return linear(program, x, { module: `${module}.out_proj`, width, bias: true });
}

/** x + fc2(act(fc1(x))), normed. */
function feedForward(
  program: ProgramBuilder,
  x: Value,
  norms: Norms,
  at: string,
  { activationFunction: kind, inner, dModel }: Config & { inner: number },
): Value {
  return residual(program, x, norms, `${at}.final_layer_norm`, (m) =>
    mlp(program, m, {
      module: at,
      kind,
      first: { module: `${at}.fc1`, width: inner, bias: true }, // [tokens, inner]
      second: { module: `${at}.fc2`, width: dModel, bias: true },
    }),
  );
}

/** The last norm of a stack, where parts are normed before. */
function atEnd(program: ProgramBuilder, x: Value, norms: Norms, stack: Stack): Value {
  return norms === "before" ? layerNorm(program, x, { module: `model.${stack}.layer_norm`, epsilon }) : x;
}
