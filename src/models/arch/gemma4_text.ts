import { z } from "zod";
import {
  add,
  embedding,
  expertLayouts,
  gatedMlp,
  languageHead,
  learnedScale,
  mixtureOfExperts,
  type NormedAttentionOptions,
  normedAttention,
  type ProgramBuilder,
  perLayerGate,
  perLayerInputs,
  type Rope,
  rmsNorm,
  scale,
  softcap,
  type Value,
} from "../../layers/index.ts";
import type { ActivationKind } from "../../ops/activation-kinds.ts";
import type { CamelKeys } from "../camel-case.ts";
import { activationName, count, decoderFields, optional, parseFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { layerShapeFields, layerShapes } from "../layer-shapes.ts";
import { keyValueSources, layerTypesOf } from "../layer-types.ts";
import { wholeRope } from "../rope-config.ts";

const { hidden_act: _, ...shared } = decoderFields;

const fields = {
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
};

type Config = CamelKeys<z.output<z.ZodObject<typeof fields>>>;

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
  spare: { sharedKeys: true },
  fields,
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numHiddenLayers: layers, vocabSize: vocabulary, rmsNormEps: epsilon, hiddenActivation: kind } = config;
    const { hiddenSizePerLayerInput: smallWidth, vocabSizePerLayerInput: rows } = config;
    // "vision" is about tokens of images, which this model has none of
    const bidirectional = config.useBidirectionalAttention;
    refuse(![undefined, "vision"].includes(bidirectional), "use_bidirectional_attention", bidirectional, "null, vision");
    const few = smallWidth > 0 && rows < vocabulary;
    refuse(few, "vocab_size_per_layer_input", rows, `at least vocab_size (${vocabulary})`);
    const attentions = attentionsOf(config, raw);
    const experts = config.enableMoeBlock ? mixtureSizes(config) : undefined;
    const norm = (x: Value, module: string) => rmsNorm(program, x, { module, epsilon, roundOnce: true });

    const embedded = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: Math.sqrt(hiddenSize),
      roundScale: true,
    }); // [tokens, hidden]
    const sizes = { layers, width: smallWidth, vocabulary: rows, epsilon };
    const small = smallWidth > 0 ? perLayerInputs(program, embedded, sizes) : undefined; // [tokens, layers * smallWidth]

    let x = embedded;
    for (const layer of program.layers(layers)) {
      const at = `model.layers.${layer}`;
      const shape = attentions[layer]!;

      const attended = normedAttention(program, norm(x, `${at}.input_layernorm`), shape); // [tokens, hidden]
      x = add(program, x, norm(attended, `${at}.post_attention_layernorm`), at);

      const m = norm(x, `${at}.pre_feedforward_layernorm`); // [tokens, hidden]
      const doubled = config.useDoubleWideMlp && shape.source !== undefined;
      const width = (doubled ? 2 : 1) * config.intermediateSize;
      let fed = gatedMlp(program, m, { module: `${at}.mlp`, width, kind }); // [tokens, hidden]
      if (experts) {
        const dense = norm(fed, `${at}.post_feedforward_layernorm_1`);
        const chosen = mixture(program, x, { at, ...experts, kind, epsilon }); // [tokens, hidden]
        fed = add(program, dense, norm(chosen, `${at}.post_feedforward_layernorm_2`), at);
      }
      x = add(program, x, norm(fed, `${at}.post_feedforward_layernorm`), at);

      if (small) {
        x = add(program, x, perLayerGate(program, x, small, { at, layer, width: smallWidth, kind, epsilon }), at);
      }
      x = learnedScale(program, x, `${at}.layer_scalar`, 1, at);
    }
    const hidden = norm(x, "model.norm"); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    const limit = config.finalLogitSoftcapping;
    return { logits: limit === undefined ? logits : softcap(program, logits, limit, "lm_head"), hidden };
  },
});

/** The attention of each layer. */
function attentionsOf(config: Config, raw: unknown): NormedAttentionOptions[] {
  const types = layerTypes(config.layerTypes, config.numHiddenLayers);
  const shapes = layerShapes(config, types);
  const ropes = new Map([...new Set(types)].map((type) => [type, ropeOf(raw, type, config.maxPositionEmbeddings)]));
  const sources = keyValueSources(types, config.numKvSharedLayers);
  return types.map((type, layer) => {
    const isSliding = type === "sliding_attention";
    const source = sources[layer]!;
    return {
      module: `model.layers.${layer}.self_attn`,
      ...shapes[layer]!,
      heads: config.numAttentionHeads,
      scale: 1,
      rope: ropes.get(type),
      window: isSliding ? config.slidingWindow : undefined,
      bias: config.attentionBias,
      epsilon: config.rmsNormEps,
      source: source === layer ? undefined : `model.layers.${source}.self_attn`,
      keysAreValues: config.attentionKEqV && !isSliding,
    };
  });
}

/** The mixture of experts beside a layer's dense MLP. Router and experts read x through norms of their own. */
function mixture(
  program: ProgramBuilder,
  x: Value,
  options: { at: string; count: number; chosen: number; width: number; kind: ActivationKind; epsilon: number },
): Value {
  const { at, count, chosen, width, kind, epsilon } = options;
  const routed = rmsNorm(program, x, { module: `${at}.router.norm`, epsilon, weight: `${at}.router.scale` });
  const read = rmsNorm(program, x, { module: `${at}.pre_feedforward_layernorm_2`, epsilon, roundOnce: true });
  return mixtureOfExperts(program, read, {
    module: `${at}.experts`,
    experts: count,
    width,
    kind,
    router: {
      module: `${at}.router.proj`,
      reads: scale(program, routed, Number(x.shape.at(-1)) ** -0.5, `${at}.router`),
      count: chosen,
      score: "softmax",
      normalize: true,
      gains: `${at}.router.per_expert_scale`,
    },
    ...expertLayouts(`${at}.experts`, count),
  });
}

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
