import { z } from "zod";
import {
  add,
  correctStreams,
  embedding,
  gatedMlp,
  languageHead,
  learnedScale,
  linear,
  type NormedAttentionOptions,
  normedAttention,
  type ProgramBuilder,
  perLayerGate,
  perLayerInputs,
  predictStreams,
  rmsNorm,
  scale,
  softcap,
  streamProjection,
  type Value,
} from "../../layers/index.ts";
import type { CamelKeys } from "../camel-case.ts";
import { activationName, count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { keyValueSources, layerTypesOf, slidingFields } from "../layer-types.ts";
import { parseRopeOfLayerType } from "../rope-config.ts";

const { hidden_act: _, intermediate_size: __, ...shared } = decoderFields;

const fields = {
  ...shared,
  ...slidingFields,
  intermediate_size: withDefault(z.union([count, z.array(count)]), 16384),
  num_key_value_heads: withDefault(count, 2),
  head_dim: withDefault(count, 256),
  hidden_activation: withDefault(activationName, "gelu_tanh"),
  max_position_embeddings: withDefault(count, 32768),
  tie_word_embeddings: withDefault(z.boolean(), true),
  attention_bias: withDefault(z.boolean(), false),
  sliding_window: withDefault(count, 512),
  final_logit_softcapping: withDefault(z.number().positive(), 30),
  vocab_size_per_layer_input: withDefault(count, 262144),
  hidden_size_per_layer_input: withDefault(count, 256),
  altup_active_idx: withDefault(z.int().nonnegative(), 0),
  altup_correct_scale: withDefault(z.boolean(), true),
  altup_num_inputs: withDefault(count, 4),
  num_kv_shared_layers: withDefault(z.int().nonnegative(), 15),
  laurel_rank: withDefault(count, 64),
  activation_sparsity_pattern: z.array(z.number()).nullish(),
};

type Config = CamelKeys<z.output<z.ZodObject<typeof fields>>>;

/**
 * Gemma 3n, the text model: several streams from layer to layer, of which each layer works on one; a small embedding of every
 * token for each layer; a low-rank path beside the attention; MLPs that keep few of their values; last layers that read the
 * keys and values of earlier ones. Source: transformers' modeling_gemma3n.py; Google 2025, Gemma 3n.
 *
 * `altup_coef_clip` matters only in training. A token beyond `vocab_size_per_layer_input` has the small inputs of token 0, as
 * in the multimodal model (the text model of transformers fails there).
 */
export const gemma3nText = defineArchitecture({
  modelType: "gemma3n_text",
  spare: { sharedKeys: true },
  fields,
  facts: (config) => ({ streams: config.altupNumInputs }),
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numHiddenLayers: layers, vocabSize: vocabulary, rmsNormEps: epsilon, hiddenActivation: kind } = config;
    const { hiddenSizePerLayerInput: smallWidth, altupActiveIdx: active, altupNumInputs: count } = config;
    refuse(active >= count, "altup_active_idx", active, `less than altup_num_inputs (${count})`);
    const attentions = attentionsOf(config, raw);
    const inner = innerSizes(config);
    const norm = (x: Value, module: string) => rmsNorm(program, x, { module, epsilon, roundOnce: true });

    const embedded = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    const rows = { vocabulary: config.vocabSizePerLayerInput, otherwise: 0 };
    const small = perLayerInputs(program, embedded, { layers, width: smallWidth, ...rows, epsilon }); // [tokens, layers * smallWidth]

    const others = Array.from({ length: count - 1 }, (_, i) => i);
    let streams = [
      embedded,
      ...others.map((i) => streamProjection(program, embedded, embedded, `model.altup_projections.${i}`)),
    ]; // [tokens, hidden] each
    for (const layer of program.layers(layers)) {
      const at = `model.layers.${layer}`;
      const altup = { module: `${at}.altup`, active, epsilon };

      const predicted = predictStreams(program, streams, altup);
      const x = predicted[active]!; // [tokens, hidden]
      const a = norm(x, `${at}.input_layernorm`); // [tokens, hidden]
      const left = linear(program, a, { module: `${at}.laurel.linear_left`, width: config.laurelRank }); // [tokens, rank]
      const right = linear(program, left, { module: `${at}.laurel.linear_right`, width: hiddenSize }); // [tokens, hidden]
      const laurel = add(program, a, norm(right, `${at}.laurel.post_laurel_norm`), `${at}.laurel`);

      const attended = normedAttention(program, a, attentions[layer]!); // [tokens, hidden]
      const sum = add(program, x, norm(attended, `${at}.post_attention_layernorm`), at);
      const both = scale(program, add(program, sum, laurel, at), Math.SQRT1_2, at); // [tokens, hidden]

      const m = norm(both, `${at}.pre_feedforward_layernorm`); // [tokens, hidden]
      const mlp = { module: `${at}.mlp`, ...inner[layer]!, kind };
      const fed = norm(gatedMlp(program, m, mlp), `${at}.post_feedforward_layernorm`);
      const corrected = correctStreams(program, predicted, add(program, both, fed, at), altup);

      let first = corrected[active]!;
      if (config.altupCorrectScale) {
        first = learnedScale(program, first, `${at}.altup.correct_output_scale`, hiddenSize, `${at}.altup`);
      }
      const own = perLayerGate(program, first, small, { at, layer, width: smallWidth, kind, epsilon }); // [tokens, hidden]
      streams = corrected.map((stream, i) => (i === 0 ? stream : add(program, stream, own, at)));
    }
    const hidden = norm(meanOfStreams(program, streams), "model.norm"); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: softcap(program, logits, config.finalLogitSoftcapping, "lm_head"), hidden };
  },
});

/** The attention of each layer. */
function attentionsOf(config: Config, raw: unknown): NormedAttentionOptions[] {
  const { numHiddenLayers: layers, maxPositionEmbeddings: maxPositions } = config;
  const types = layerTypesOf(layers, config.layerTypes, (layer) => (layer + 1) % 5 !== 0);
  const sources = keyValueSources(types, config.numKvSharedLayers);
  const near = { thetaField: "rope_local_base_freq", defaultTheta: 10000, maxPositions };
  const far = { thetaField: "rope_theta", defaultTheta: 1000000, maxPositions };
  const slidingRope = parseRopeOfLayerType(raw, "sliding_attention", near);
  const fullRope = parseRopeOfLayerType(raw, "full_attention", far);
  return types.map((type, layer) => {
    const isSliding = type === "sliding_attention";
    const source = sources[layer]!;
    return {
      module: `model.layers.${layer}.self_attn`,
      heads: config.numAttentionHeads,
      keyValueHeads: config.numKeyValueHeads,
      headDim: config.headDim,
      scale: 1,
      rope: isSliding ? slidingRope : fullRope,
      window: isSliding ? config.slidingWindow : undefined,
      bias: config.attentionBias,
      epsilon: config.rmsNormEps,
      source: source === layer ? undefined : `model.layers.${source}.self_attn`,
    };
  });
}

/** The inner width of each layer's MLP, and which part of its values becomes 0: by default most of them in the first ten. */
function innerSizes(config: Config): { width: number; sparsity: number }[] {
  const { numHiddenLayers: layers } = config;
  const widths = forLayers("intermediate_size", config.intermediateSize, layers);
  const sparse = layers > 10 ? 10 : 0;
  const pattern = config.activationSparsityPattern ?? widths.map((_, layer) => (layer < sparse ? 0.95 : 0));
  const sparsities = forLayers("activation_sparsity_pattern", pattern, layers);
  refuse(!sparsities.every((part) => part < 1), "activation_sparsity_pattern", pattern, "numbers less than 1");
  return widths.map((width, layer) => ({ width, sparsity: sparsities[layer]! }));
}

/** The mean of all streams, [tokens, hidden]; each but the first goes through a projection of its own. */
function meanOfStreams(program: ProgramBuilder, [main, ...others]: readonly Value[]): Value {
  let sum = main!;
  for (const [i, stream] of others.entries()) {
    sum = add(program, sum, streamProjection(program, stream, main!, `model.altup_unembed_projections.${i}`), "model");
  }
  return scale(program, sum, 1 / (1 + others.length), "model");
}

/** One value for each layer, or one for all. */
function forLayers(field: string, given: number | number[], layers: number): number[] {
  if (typeof given === "number") return Array.from({ length: layers }, () => given);
  refuse(given.length !== layers, field, given, `${layers} entries`);
  return given;
}
