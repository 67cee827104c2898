import { z } from "zod";
import {
  add,
  attention,
  embedding,
  gatedMlp,
  languageHead,
  linear,
  mixtureOfExperts,
  rmsNorm,
  rotate,
  scaleByPosition,
} from "../../layers/index.ts";
import { count, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * Llama 4, the text model: attention in chunks with rotary positions in most layers, whole and without positions in the
 * others; experts that read their share of the input, beside one that all tokens go through.
 * Source: transformers' modeling_llama4.py; Meta AI 2025, "The Llama 4 herd".
 */
export const llama4Text = defineArchitecture({
  modelType: "llama4_text",
  fields: {
    ...decoderFields,
    vocab_size: withDefault(count, 202048),
    hidden_size: withDefault(count, 5120),
    intermediate_size: withDefault(count, 8192),
    intermediate_size_mlp: withDefault(count, 16384),
    num_hidden_layers: withDefault(count, 48),
    num_attention_heads: withDefault(count, 40),
    // absent: as given; null: as many as query heads, hidden_size / num_attention_heads
    num_key_value_heads: count.nullable().default(8),
    head_dim: count.nullable().default(128),
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    num_local_experts: withDefault(count, 16),
    num_experts_per_tok: withDefault(count, 1),
    moe_layers: optional(z.array(z.int())),
    interleave_moe_layer_step: withDefault(count, 1),
    use_qk_norm: withDefault(z.boolean(), true),
    no_rope_layers: optional(z.array(z.int())),
    no_rope_layer_interval: withDefault(count, 4),
    attention_chunk_size: count.nullable().default(8192),
    layer_types: optional(z.array(z.string())),
    attn_temperature_tuning: withDefault(z.union([z.boolean(), z.number()]), true),
    floor_scale: withDefault(count, 8192),
    attn_scale: withDefault(z.number(), 0.1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, hiddenAct: kind, numLocalExperts: experts, numHiddenLayers: layers } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, {
      defaultTheta: 500000,
      defaultPartialRotaryFactor: 1,
      maxPositions: config.maxPositionEmbeddings,
      interleaved: true,
      unrounded: "all",
    });
    refuse((rope.partialRotaryFactor ?? 1) !== 1, "partial_rotary_factor", rope.partialRotaryFactor, "1");
    const turns = turningLayers(layers, config.noRopeLayers, config.noRopeLayerInterval);
    const chunks = chunksOfLayers(turns, config.layerTypes, config.attentionChunkSize);
    const step = config.interleaveMoeLayerStep;
    const isSparse = (layer: number) => config.moeLayers?.includes(layer) ?? (layer + 1) % step === 0;

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(layers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      if (turns[layer]) {
        query = rotate(program, query, { module, heads, headDim, rope });
        key = rotate(program, key, { module, heads: keyValueHeads, headDim, rope });
        if (config.useQkNorm) {
          query = rmsNorm(program, query, { module: `${module}.qk_norm`, epsilon, groupSize: headDim, affine: false });
          key = rmsNorm(program, key, { module: `${module}.qk_norm`, epsilon, groupSize: headDim, affine: false });
        }
      } else if (config.attnTemperatureTuning) {
        // transformers counts the pads of a row here, and nowhere else
        const growth = { strength: config.attnScale, length: config.floorScale, offset: 1, countsPadding: true };
        query = scaleByPosition(program, query, { module, ...growth });
      }
      const shape = { module, heads, keyValueHeads, headDim, chunk: chunks[layer] };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const moe = `${at}.feed_forward`;
      if (!isSparse(layer)) {
        x = add(program, x, gatedMlp(program, m, { module: moe, width: config.intermediateSizeMlp, kind }), at);
        continue;
      }
      const fed = mixtureOfExperts(program, m, {
        module: `${moe}.experts`,
        experts,
        width: intermediateSize,
        kind,
        router: { module: `${moe}.router`, count: config.numExpertsPerTok, score: "chosen_sigmoid" },
        gateUp: layouts(`${moe}.experts.gate_up_proj`, experts),
        down: layouts(`${moe}.experts.down_proj`, experts),
        scaleInput: true,
      }); // [tokens, hidden]
      const shared = gatedMlp(program, m, { module: `${moe}.shared_expert`, width: intermediateSize, kind }); // [tokens, hidden]
      x = add(program, x, add(program, shared, fed, moe), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** One tensor [experts, in, out]. */
function layouts(tensor: string, experts: number) {
  return { from: Array.from({ length: experts }, (_, index) => ({ tensor, index, transpose: true })) };
}

/** Which layers have rotary positions: those of `no_rope_layers` that are not 0, else all but each `interval`th. */
function turningLayers(layers: number, given: number[] | undefined, interval: number): boolean[] {
  const numbers = given?.length ? given : Array.from({ length: layers }, (_, layer) => (layer + 1) % interval);
  refuse(numbers.length < layers, "no_rope_layers", given, `at least ${layers} entries`);
  return numbers.slice(0, layers).map((number) => number !== 0);
}

/** The chunk of each layer, undefined where there is none: by `layer_types`, else in layers with rotary positions. */
function chunksOfLayers(turns: boolean[], types: string[] | undefined, size: number | null): (number | undefined)[] {
  refuse(types !== undefined && types.length !== turns.length, "layer_types", types, `${turns.length} entries`);
  return turns.map((isTurning, layer) => {
    const type = types?.[layer] ?? (isTurning ? "chunked_attention" : "full_attention");
    const known = ["full_attention", "chunked_attention"];
    refuse(!known.includes(type), `layer_types.${layer}`, type, known.join(", "));
    if (type === "full_attention") return undefined;
    refuse(size === null, "attention_chunk_size", null, "a number, because layers attend in chunks");
    return size ?? undefined;
  });
}
