import { z } from "zod";
import {
  add,
  attention,
  correctStreams,
  embedding,
  gatedMlp,
  languageHead,
  learnedScale,
  linear,
  perLayerGate,
  perLayerInputs,
  predictStreams,
  rmsNorm,
  scale,
  sharedAttention,
  softcap,
  streamProjection,
  type Value,
} from "../../layers/index.ts";
import { activationName, count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { keyValueSources, layerTypesOf, slidingFields } from "../layer-types.ts";
import { parseRopeOfLayerType } from "../rope-config.ts";

const { hidden_act: _, intermediate_size: __, ...shared } = decoderFields;

/**
 * Gemma 3n, the text model: several streams from layer to layer, of which each layer works on one; a small embedding of every
 * token for each layer; a low-rank path beside the attention; MLPs that keep few of their values; last layers that read the
 * keys and values of earlier ones. Source: transformers' modeling_gemma3n.py; Google 2025, Gemma 3n.
 *
 * `altup_coef_clip` is about training alone. A token beyond `vocab_size_per_layer_input` has the small inputs of token 0, as
 * in the multimodal model (the text model of transformers fails there).
 */
export const gemma3nText = defineArchitecture({
  modelType: "gemma3n_text",
  fields: {
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
  },
  facts: (config) => ({ streams: config.altupNumInputs }),
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numHiddenLayers: layers, numAttentionHeads: heads, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, headDim, attentionBias: bias, hiddenActivation: kind } = config;
    const { rmsNormEps: epsilon, hiddenSizePerLayerInput: narrow, altupActiveIdx: active } = config;
    refuse(
      active >= config.altupNumInputs,
      "altup_active_idx",
      active,
      `less than altup_num_inputs (${config.altupNumInputs})`,
    );
    const types = layerTypesOf(layers, config.layerTypes, (layer) => (layer + 1) % 5 !== 0);
    const sources = keyValueSources(types, config.numKvSharedLayers);
    const sizes = forLayers("intermediate_size", config.intermediateSize, layers);
    const sparse = layers > 10 ? 10 : 0;
    const pattern = config.activationSparsityPattern ?? types.map((_, layer) => (layer < sparse ? 0.95 : 0));
    const sparsities = forLayers("activation_sparsity_pattern", pattern, layers);
    refuse(!sparsities.every((part) => part < 1), "activation_sparsity_pattern", pattern, "numbers less than 1");
    const maxPositions = config.maxPositionEmbeddings;
    const near = { thetaField: "rope_local_base_freq", defaultTheta: 10000, maxPositions };
    const far = { thetaField: "rope_theta", defaultTheta: 1000000, maxPositions };
    const slidingRope = parseRopeOfLayerType(raw, "sliding_attention", near);
    const fullRope = parseRopeOfLayerType(raw, "full_attention", far);
    const norm = (x: Value, module: string, groupSize?: number) =>
      rmsNorm(program, x, { module, epsilon, roundOnce: true, ...(groupSize && { groupSize }) });

    const embedded = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    const rows = { vocabulary: config.vocabSizePerLayerInput, otherwise: 0 };
    const small = perLayerInputs(program, embedded, { layers, width: narrow, ...rows, epsilon }); // [tokens, layers * narrow]

    const others = Array.from({ length: config.altupNumInputs - 1 }, (_, i) => i);
    let streams = [
      embedded,
      ...others.map((i) => streamProjection(program, embedded, embedded, `model.altup_projections.${i}`)),
    ]; // [tokens, hidden] each
    for (const layer of program.layers(types.length)) {
      const type = types[layer]!;
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const sliding = type === "sliding_attention";
      const source = sources[layer]!;
      const options = {
        ...{ module, heads, keyValueHeads, headDim, scale: 1 },
        rope: sliding ? slidingRope : fullRope,
        window: sliding ? config.slidingWindow : undefined,
      };
      const altup = { module: `${at}.altup`, active, epsilon };

      const predicted = predictStreams(program, streams, altup);
      const x = predicted[active]!; // [tokens, hidden]
      const a = norm(x, `${at}.input_layernorm`); // [tokens, hidden]
      const left = linear(program, a, { module: `${at}.laurel.linear_left`, width: config.laurelRank }); // [tokens, rank]
      const right = linear(program, left, { module: `${at}.laurel.linear_right`, width: hiddenSize }); // [tokens, hidden]
      const laurel = add(program, a, norm(right, `${at}.laurel.post_laurel_norm`), `${at}.laurel`);

      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      query = norm(query, `${module}.q_norm`, headDim);
      let mixed: Value; // [tokens, heads * headDim]
      if (source !== layer) {
        mixed = sharedAttention(program, query, `model.layers.${source}.self_attn`, options);
      } else {
        const width = keyValueHeads * headDim;
        const key = linear(program, a, { module: `${module}.k_proj`, width, bias }); // [tokens, keyValueHeads * headDim]
        const value = linear(program, a, { module: `${module}.v_proj`, width, bias });
        const even = rmsNorm(program, value, { module: `${module}.v_norm`, epsilon, groupSize: headDim, affine: false });
        mixed = attention(program, query, norm(key, `${module}.k_norm`, headDim), even, options);
      }
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      const open = add(program, x, norm(attended, `${at}.post_attention_layernorm`), at);
      const both = scale(program, add(program, open, laurel, at), Math.SQRT1_2, at); // [tokens, hidden]

      const m = norm(both, `${at}.pre_feedforward_layernorm`); // [tokens, hidden]
      const mlp = { module: `${at}.mlp`, width: sizes[layer]!, sparsity: sparsities[layer]!, kind };
      const fed = norm(gatedMlp(program, m, mlp), `${at}.post_feedforward_layernorm`);
      const corrected = correctStreams(program, predicted, add(program, both, fed, at), altup);

      let first = corrected[active]!;
      if (config.altupCorrectScale) {
        first = learnedScale(program, first, `${at}.altup.correct_output_scale`, hiddenSize, `${at}.altup`);
      }
      const own = perLayerGate(program, first, small, { at, layer, width: narrow, kind, epsilon }); // [tokens, hidden]
      streams = corrected.map((stream, i) => (i === 0 ? stream : add(program, stream, own, at)));
    }
    const [main, ...rest] = streams;
    let sum = main!;
    for (const i of others) {
      const even = streamProjection(program, rest[i]!, main!, `model.altup_unembed_projections.${i}`);
      sum = add(program, sum, even, "model");
    }
    const hidden = norm(scale(program, sum, 1 / config.altupNumInputs, "model"), "model.norm"); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: softcap(program, logits, config.finalLogitSoftcapping, "lm_head"), hidden };
  },
});

/** One value for each layer, or one for all. */
function forLayers(field: string, given: number | number[], layers: number): number[] {
  if (typeof given === "number") return Array.from({ length: layers }, () => given);
  refuse(given.length !== layers, field, given, `${layers} entries`);
  return given;
}
