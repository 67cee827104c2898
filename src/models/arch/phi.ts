import { z } from "zod";
import { add, attention, embedding, languageHead, layerNorm, linear, mlp } from "../../layers/index.ts";
import { activationName, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, ...shared } = decoderFields;

/**
 * Phi 1 to 2: attention and MLP side by side after one layer norm, and biases everywhere, the head's too.
 * Source: transformers' modeling_phi.py; Li et al. 2023, "Textbooks Are All You Need II".
 */
export const phi = defineArchitecture({
  modelType: "phi",
  fields: {
    ...shared,
    hidden_act: withDefault(activationName, "gelu_tanh"),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    qk_layernorm: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, {
      defaultPartialRotaryFactor: 0.5,
      evenPartOf: headDim,
      maxPositions: config.maxPositionEmbeddings,
    });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias: true }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias: true }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias: true });
      if (config.qkLayernorm) {
        query = layerNorm(program, query, { module: `${module}.q_layernorm`, epsilon, groupSize: headDim });
        key = layerNorm(program, key, { module: `${module}.k_layernorm`, epsilon, groupSize: headDim });
      }
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.dense`, width: hiddenSize, bias: true }); // [tokens, hidden]

      const fed = mlp(program, a, {
        module: `${at}.mlp`,
        kind,
        first: { module: `${at}.mlp.fc1`, width: intermediateSize, bias: true }, // [tokens, intermediate]
        second: { module: `${at}.mlp.fc2`, width: hiddenSize, bias: true },
      });
      x = add(program, x, add(program, attended, fed, at), at);
    }
    const hidden = layerNorm(program, x, { module: "model.final_layernorm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, bias: true, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
