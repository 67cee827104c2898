import { z } from "zod";
import {
  add,
  attention,
  crossAttention,
  embedding,
  encoderAttention,
  languageHead,
  linear,
  type ProgramBuilder,
  rmsNorm,
  scale,
  storeCross,
  type Value,
} from "../../layers/index.ts";
import { activationName, count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/** T5 and T5 1.1 (Flan-T5): an encoder and a decoder, with learned shifts by distance in place of positions. */
export const t5 = architecture("t5", {
  d_model: 512,
  d_ff: 2048,
  num_layers: 6,
  num_heads: 8,
  feed_forward_proj: "relu",
  // the older T5 scales what goes into its head; T5 1.1 says so by an untied head, though its weight is shared too
  scales: (raw) => raw.scale_decoder_outputs ?? raw.tie_word_embeddings !== false,
});

/** mT5: T5 1.1 in many languages. */
export const mt5 = architecture("mt5", {
  d_model: 512,
  d_ff: 1024,
  num_layers: 8,
  num_heads: 6,
  feed_forward_proj: "gated-gelu",
  scales: () => false,
});

interface Defaults {
  d_model: number;
  d_ff: number;
  num_layers: number;
  num_heads: number;
  feed_forward_proj: string;
  /** Whether the decoder's output is scaled by 1 / √d_model in front of the head. */
  scales(raw: { scale_decoder_outputs?: unknown; tie_word_embeddings?: unknown }): unknown;
}

/** Source: transformers' modeling_t5.py and modeling_mt5.py; Raffel et al. 2020; Xue et al. 2021. */
function architecture(modelType: string, defaults: Defaults) {
  const fields = {
    vocab_size: count,
    d_model: withDefault(count, defaults.d_model),
    d_kv: withDefault(count, 64),
    d_ff: withDefault(count, defaults.d_ff),
    num_layers: withDefault(count, defaults.num_layers),
    num_decoder_layers: optional(count),
    num_heads: withDefault(count, defaults.num_heads),
    n_positions: withDefault(count, 512),
    relative_attention_num_buckets: withDefault(z.int().min(4), 32),
    // a bucket is worked out for each distance
    relative_attention_max_distance: withDefault(count.max(32_768), 128),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-6),
    feed_forward_proj: withDefault(z.string(), defaults.feed_forward_proj),
    // transformers shares the weight whatever config.json says, unless the checkpoint has a head of its own
    tie_word_embeddings: z
      .unknown()
      .optional()
      .transform(() => true),
  };
  return defineArchitecture({
    modelType,
    prefix: "",
    tie: { embedding: "shared", head: "lm_head" },
    olderNames: { shared: "encoder.embed_tokens" },
    aliases: { hidden_size: "d_model", num_attention_heads: "num_heads", num_hidden_layers: "num_layers", head_dim: "d_kv" },
    fields,
    facts: (config) => ({
      hiddenSize: config.dModel,
      maxPositions: config.nPositions,
    }),
    encode(config, { program }) {
      const { dModel: width, dKv: headDim, numHeads: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
      let x = embedding(program, { module: "shared", vocabulary, width }); // [tokens, width]
      for (const layer of program.layers(config.numLayers)) {
        const at = `encoder.block.${layer}.layer`;
        const module = `${at}.0.SelfAttention`;
        const a = rmsNorm(program, x, { module: `${at}.0.layer_norm`, epsilon }); // [tokens, width]
        const [query, key, value] = project(program, a, module, heads * headDim); // [tokens, heads * headDim]
        const bias = biasOf(config, "encoder");
        const mixed = encoderAttention(program, query!, key!, value!, { module, heads, headDim, scale: 1, bias });
        x = add(program, x, linear(program, mixed, { module: `${module}.o`, width }), `${at}.0`);
        x = feedForward(program, x, `${at}.1`, config);
      }
      const hidden = rmsNorm(program, x, { module: "encoder.final_layer_norm", epsilon }); // [tokens, width]
      for (let layer = 0; layer < (config.numDecoderLayers ?? config.numLayers); layer++) {
        const module = `decoder.block.${layer}.layer.1.EncDecAttention`;
        storeCross(program, hidden, { module, heads, headDim, names: ["k", "v"] });
      }
      return { hidden };
    },
    forward(config, { program, raw, tiedTo }) {
      const { dModel: width, dKv: headDim, numHeads: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary } = config;
      let x = embedding(program, { module: "shared", vocabulary, width }); // [tokens, width]
      for (const layer of program.layers(config.numDecoderLayers ?? config.numLayers)) {
        const at = `decoder.block.${layer}.layer`;

        const self = `${at}.0.SelfAttention`;
        const a = rmsNorm(program, x, { module: `${at}.0.layer_norm`, epsilon }); // [tokens, width]
        const [query, key, value] = project(program, a, self, heads * headDim); // [tokens, heads * headDim]
        const sizes = { heads, keyValueHeads: heads, headDim, scale: 1, bias: biasOf(config, "decoder") };
        const mixed = attention(program, query!, key!, value!, { module: self, ...sizes });
        x = add(program, x, linear(program, mixed, { module: `${self}.o`, width }), `${at}.0`);

        const cross = `${at}.1.EncDecAttention`;
        const c = rmsNorm(program, x, { module: `${at}.1.layer_norm`, epsilon }); // [tokens, width]
        const asked = linear(program, c, { module: `${cross}.q`, width: heads * headDim }); // [tokens, heads * headDim]
        const read = crossAttention(program, asked, { module: cross, heads, headDim, scale: 1 });
        x = add(program, x, linear(program, read, { module: `${cross}.o`, width }), `${at}.1`);

        x = feedForward(program, x, `${at}.2`, config);
      }
      const hidden = rmsNorm(program, x, { module: "decoder.final_layer_norm", epsilon }); // [tokens, width]
      const read = defaults.scales(raw as object) ? scale(program, hidden, width ** -0.5, "decoder") : hidden;
      const logits = languageHead(program, read, { module: "lm_head", vocabulary, tiedTo });
      return { logits, hidden };
    },
  });
}

/** Query, key and value, each [tokens, width]. */
function project(program: ProgramBuilder, x: Value, module: string, width: number): Value[] {
  return ["q", "k", "v"].map((name) => linear(program, x, { module: `${module}.${name}`, width }));
}

/** All layers share the table of the first. */
function biasOf(
  config: { relativeAttentionNumBuckets: number; relativeAttentionMaxDistance: number },
  stack: "encoder" | "decoder",
) {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: farthest } = config;
  const exact = Math.floor(buckets / 2); // distances with a bucket of their own
  refuse(farthest <= exact, "relative_attention_max_distance", farthest, `more than ${exact}, half of the buckets`);
  return {
    module: `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`,
    buckets: config.relativeAttentionNumBuckets,
    maxDistance: config.relativeAttentionMaxDistance,
  };
}

/** x + wo(act(wi(norm(x)))), or with a gate: wo(act(wi_0(…)) · wi_1(…)). */
function feedForward(
  program: ProgramBuilder,
  x: Value,
  at: string,
  config: { dModel: number; dFf: number; layerNormEpsilon: number; feedForwardProj: string },
): Value {
  const { dModel, dFf: width, layerNormEpsilon: epsilon, feedForwardProj } = config;
  const module = `${at}.DenseReluDense`;
  const gated = feedForwardProj.startsWith("gated-");
  const name = feedForwardProj === "gated-gelu" ? "gelu_new" : feedForwardProj.replace(/^gated-/, "");
  const act = activationName.safeParse(name);
  refuse(!act.success, "feed_forward_proj", feedForwardProj, "an activation, or `gated-` and one");
  const m = rmsNorm(program, x, { module: `${at}.layer_norm`, epsilon }); // [tokens, dModel]
  const inputs = (gated ? ["wi_0", "wi_1"] : ["wi"]).map((part) => linear(program, m, { module: `${module}.${part}`, width }));
  const op = gated ? "gated_activation" : "activation";
  const inner = program.value(op, { module, inputs, attributes: { kind: act.data! } }); // [tokens, dFf]
  return add(program, x, linear(program, inner, { module: `${module}.wo`, width: dModel }), at);
}
