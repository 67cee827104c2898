import { z } from "zod";
import { add, attention, embedding, gatedMlp, languageHead, layerNorm, linear } from "../../layers/index.ts";
import { count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, head_dim: __, ...shared } = decoderFields;

/**
 * StableLM 2: layer norms, a quarter of each head turned; the larger model adds a norm for each head and runs attention
 * and MLP side by side. Source: transformers' modeling_stablelm.py; Bellagente et al. 2024.
 */
export const stablelm = defineArchitecture({
  modelType: "stablelm",
  fields: {
    ...shared,
    num_key_value_heads: withDefault(count, 32),
    max_position_embeddings: withDefault(count, 4096),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    use_qkv_bias: withDefault(z.boolean(), false),
    qk_layernorm: withDefault(z.boolean(), false),
    use_parallel_residual: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { numKeyValueHeads: keyValueHeads, hiddenAct: kind, useQkvBias: bias, useParallelResidual: isParallel } = config;
    const headDim = hiddenSize / heads;
    refuse(!Number.isInteger(headDim), "num_attention_heads", heads, `a divisor of hidden_size (${hiddenSize})`);
    const rope = parseRope(raw, {
      defaultPartialRotaryFactor: 0.25,
      evenPartOf: headDim,
      maxPositions: config.maxPositionEmbeddings,
    });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      if (config.qkLayernorm) {
        query = layerNorm(program, query, headNorms(`${module}.q_layernorm`, heads, headDim, epsilon));
        key = layerNorm(program, key, headNorms(`${module}.k_layernorm`, keyValueHeads, headDim, epsilon));
      }
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize }), at);

      const m = isParallel ? a : layerNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: `${at}.mlp`, width: intermediateSize, kind }), at);
    }
    const hidden = layerNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** One norm for each head, stored one by one. */
function headNorms(module: string, heads: number, headDim: number, epsilon: number) {
  const weightFrom = Array.from({ length: heads }, (_, head) => ({ tensor: `${module}.norms.${head}.weight` }));
  return { module, epsilon, bias: false, groupSize: headDim, ownWeights: true, weightFrom };
}
