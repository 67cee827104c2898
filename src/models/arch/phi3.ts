import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm, rowsOf } from "../../layers/index.ts";
import { count, decoderFields, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Phi 3 to 4: Llama with fused projections. Source: transformers' modeling_phi3.py; Abdin et al. 2024, "Phi-3". */
export const phi3 = defineArchitecture({
  modelType: "phi3",
  fields: {
    ...decoderFields,
    max_position_embeddings: withDefault(count, 4096),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    sliding_window: optional(count),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind, slidingWindow: window } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const [queryEnd, keyEnd] = [heads * headDim, (heads + keyValueHeads) * headDim];
    const valueEnd = keyEnd + keyValueHeads * headDim;
    const rope = parseRope(raw, {
      kinds: { su: "longrope", yarn: "longrope" }, // earlier names
      maxPositions: config.maxPositionEmbeddings,
      originalPositions: 4096,
      defaultPartialRotaryFactor: 1,
    });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      // qkv_proj [valueEnd, hidden] holds query, key and value one after the other
      const query = linear(program, a, rowsOf(`${module}.qkv_proj`, "query", [[0, queryEnd]])); // [tokens, heads * headDim]
      const key = linear(program, a, rowsOf(`${module}.qkv_proj`, "key", [[queryEnd, keyEnd]])); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, rowsOf(`${module}.qkv_proj`, "value", [[keyEnd, valueEnd]]));
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope, window }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const fed = gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind, fused: "gate_up_proj" });
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
