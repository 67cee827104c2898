import { z } from "zod";
import {
  add,
  attention,
  embedding,
  expertLayouts,
  gatedMlp,
  languageHead,
  learnedScale,
  linear,
  mixtureOfExperts,
  perLayerGate,
  perLayerInputs,
  type Rope,
  rmsNorm,
  scale,
  sharedAttention,
  softcap,
  type Value,
} from "../../layers/index.ts";
import { activationName, count, decoderFields, optional, parseFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { layerShapeFields, layerShapes } from "../layer-shapes.ts";
import { keyValueSources, layerTypesOf } from "../layer-types.ts";
import { wholeRope } from "../rope-config.ts";

const { hidden_act: _, ...shared } = decoderFields;

/** What every layer of full attention, and every one in a window, turns with when config.json does not say. */
const defaultRopes = {
  full_attention: { rope_type: "proportional", partial_rotary_factor: 0.25, rope_theta: 1000000 },
  sliding_attention: { rope_type: "default", rope_theta: 10000 },
};

/**
 * Gemma 4, the text model: layers in a window and without one, each kind with its own heads and rotary embedding; a small
 * embedding of every token for each layer; last layers that read the keys and values of earlier ones; a mixture of experts
 * beside the dense MLP. Source: transformers' modeling_gemma4.py; Google 2026, Gemma 4.
 */
export const gemma4Text = defineArchitecture({
  modelType: "gemma4_text",
  fields: {
    ...shared,
    ...layerShapeFields,
    hidden_activation: withDefault(activationName, "gelu_tanh"),
    max_position_embeddings: withDefault(count, 131072),
    tie_word_embeddings: withDefault(z.boolean(), true),
    attention_bias: withDefault(z.boolean(), false),
    sliding_window: withDefault(count, 512),
    layer_types: optional(z.array(z.string())),
    final_logit_softcapping: optional(z.number().positive()),
    use_bidirectional_attention: optional(z.string()),
    vocab_size_per_layer_input: withDefault(count, 262144),
    hidden_size_per_layer_input: withDefault(z.int().nonnegative(), 256),
    num_kv_shared_layers: withDefault(z.int().nonnegative(), 0),
    use_double_wide_mlp: withDefault(z.boolean(), false),
    enable_moe_block: withDefault(z.boolean(), false),
    num_experts: optional(count),
    top_k_experts: optional(count),
    moe_intermediate_size: optional(count),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numHiddenLayers: layers, numAttentionHeads: heads, vocabSize: vocabulary } = config;
    const { rmsNormEps: epsilon, attentionBias: bias, hiddenActivation: kind, hiddenSizePerLayerInput: narrow } = config;
    // "vision" is about tokens of images, which this model has none of
    const bidirectional = config.useBidirectionalAttention;
    refuse(![undefined, "vision"].includes(bidirectional), "use_bidirectional_attention", bidirectional, "null, vision");
    const types = layerTypes(config.layerTypes, layers);
    const shapes = layerShapes(config, types);
    const ropes = new Map([...new Set(types)].map((type) => [type, ropeOf(raw, type, config.maxPositionEmbeddings)]));
    const sources = keyValueSources(types, config.numKvSharedLayers);
    const experts = config.enableMoeBlock ? mixtureSizes(config) : undefined;
    const norm = (x: Value, module: string, groupSize?: number) =>
      rmsNorm(program, x, { module, epsilon, roundOnce: true, ...(groupSize && { groupSize }) });

    const embedded = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    const rows = config.vocabSizePerLayerInput;
    const few = narrow > 0 && rows < vocabulary;
    refuse(few, "vocab_size_per_layer_input", rows, `at least vocab_size (${vocabulary})`);
    const small =
      narrow > 0 ? perLayerInputs(program, embedded, { layers, width: narrow, vocabulary: rows, epsilon }) : undefined; // [tokens, layers * narrow]

    let x = embedded;
    for (const layer of program.layers(types.length)) {
      const type = types[layer]!;
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;
      const { headDim, keyValueHeads } = shapes[layer]!;
      const sliding = type === "sliding_attention";
      const source = sources[layer]!;
      const options = {
        ...{ module, heads, keyValueHeads, headDim, scale: 1 },
        rope: ropes.get(type),
        window: sliding ? config.slidingWindow : undefined,
      };

      const a = norm(x, `${at}.input_layernorm`); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      query = norm(query, `${module}.q_norm`, headDim);
      let mixed: Value; // [tokens, heads * headDim]
      if (source !== layer) {
        mixed = sharedAttention(program, query, `model.layers.${source}.self_attn`, options);
      } else {
        const width = keyValueHeads * headDim;
        const key = linear(program, a, { module: `${module}.k_proj`, width, bias }); // [tokens, keyValueHeads * headDim]
        const isKey = config.attentionKEqV && !sliding;
        const value = isKey ? key : linear(program, a, { module: `${module}.v_proj`, width, bias });
        const even = rmsNorm(program, value, { module: `${module}.v_norm`, epsilon, groupSize: headDim, affine: false });
        mixed = attention(program, query, norm(key, `${module}.k_norm`, headDim), even, options);
      }
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(program, x, norm(attended, `${at}.post_attention_layernorm`), at);

      const m = norm(x, `${at}.pre_feedforward_layernorm`); // [tokens, hidden]
      const wide = config.useDoubleWideMlp && source !== layer ? 2 : 1;
      let fed = gatedMlp(program, m, { module: `${at}.mlp`, width: wide * config.intermediateSize, kind }); // [tokens, hidden]
      if (experts) {
        const dense = norm(fed, `${at}.post_feedforward_layernorm_1`);
        const even = rmsNorm(program, x, { module: `${at}.router.norm`, epsilon, weight: `${at}.router.scale` });
        const chosen = mixtureOfExperts(program, norm(x, `${at}.pre_feedforward_layernorm_2`), {
          module: `${at}.experts`,
          experts: experts.count,
          width: experts.width,
          kind,
          router: {
            module: `${at}.router.proj`,
            reads: scale(program, even, hiddenSize ** -0.5, `${at}.router`),
            count: experts.chosen,
            score: "softmax",
            normalize: true,
            gains: `${at}.router.per_expert_scale`,
          },
          ...expertLayouts(`${at}.experts`, experts.count),
        }); // [tokens, hidden]
        fed = add(program, dense, norm(chosen, `${at}.post_feedforward_layernorm_2`), at);
      }
      x = add(program, x, norm(fed, `${at}.post_feedforward_layernorm`), at);

      if (small) {
        x = add(program, x, perLayerGate(program, x, small, { at, layer, width: narrow, kind, epsilon }), at);
      }
      x = learnedScale(program, x, `${at}.layer_scalar`, 1, at);
    }
    const hidden = norm(x, "model.norm"); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    const limit = config.finalLogitSoftcapping;
    return { logits: limit === undefined ? logits : softcap(program, logits, limit, "lm_head"), hidden };
  },
});

/** The type of each layer: five in a window for each one without, or `layer_types`; the last is always without. */
function layerTypes(given: readonly string[] | undefined, layers: number): string[] {
  const types = layerTypesOf(layers, given, (layer) => (layer + 1) % 6 !== 0);
  return [...types.slice(0, -1), "full_attention"];
}

/** The rotary embedding of a type of layers. */
function ropeOf(raw: unknown, type: string, maxPositions: number): Rope {
  const outer = parseFields(z.object({ rope_parameters: optional(z.record(z.string(), z.unknown())) }), raw);
  const ropes = z.object({ rope_parameters: z.object({ [type]: z.looseObject({ rope_theta: z.number().positive() }) }) });
  const { rope_parameters } = parseFields(ropes, { rope_parameters: outer.rope_parameters ?? defaultRopes });
  return wholeRope(rope_parameters[type]!, { field: `rope_parameters.${type}`, maxPositions });
}

/** The sizes of the mixtures, which have no defaults. */
function mixtureSizes(config: { numExperts?: number; topKExperts?: number; moeIntermediateSize?: number }) {
  const { numExperts: count, topKExperts: chosen, moeIntermediateSize: width } = config;
  const need = (field: string, value: number | undefined): number => {
    refuse(value === undefined, field, null, "a number with enable_moe_block");
    return value!;
  };
  return {
    count: need("num_experts", count),
    chosen: need("top_k_experts", chosen),
    width: need("moe_intermediate_size", width),
  };
}
