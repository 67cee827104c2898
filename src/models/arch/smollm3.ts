import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { count, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { slidingFields, windowsByType } from "../layer-types.ts";
import { parseRope } from "../rope-config.ts";

/** SmolLM3: Llama with every fourth layer without positions. Source: transformers' modeling_smollm3.py. */
export const smollm3 = defineArchitecture({
  modelType: "smollm3",
  fields: {
    ...decoderFields,
    ...slidingFields,
    // absent: 4; null: as many as query heads
    num_key_value_heads: count.nullable().default(4),
    max_position_embeddings: withDefault(count, 32768),
    attention_bias: withDefault(z.boolean(), false),
    mlp_bias: withDefault(z.boolean(), false),
    use_sliding_window: withDefault(z.boolean(), false),
    /** 1: the layer turns its heads; 0: it does not. */
    no_rope_layers: optional(z.array(z.int())),
    no_rope_layer_interval: withDefault(count, 4),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, mlpBias, hiddenAct: kind, numHiddenLayers: layers, noRopeLayers } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const given = noRopeLayers?.length ?? layers;
    refuse(given < layers, "no_rope_layers", noRopeLayers, `${layers} entries`);
    const turns = (layer: number) => (noRopeLayers?.[layer] ?? (layer + 1) % config.noRopeLayerInterval) !== 0;
    const slides = config.useSlidingWindow && config.slidingWindow !== undefined;
    const windows = windowsByType(config, (layer) => slides && !turns(layer));
    const rope = parseRope(raw, { defaultTheta: 2000000, maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(layers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const positions = { rope: turns(layer) ? rope : undefined, window: windows[layer] };
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, ...positions }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind, bias: mlpBias }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
