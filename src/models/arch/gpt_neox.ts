import { z } from "zod";
import { add, attention, embedding, groupedQueryKeyValue, languageHead, layerNorm, linear, mlp } from "../../layers/index.ts";
import { activationName, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

const { rms_norm_eps: _, head_dim: __, num_key_value_heads: ___, ...shared } = decoderFields;

/**
 * GPT-NeoX and Pythia: attention and MLP side by side, each after a layer norm of its own.
 * Source: transformers' modeling_gpt_neox.py; Black et al. 2022.
 */
export const gptNeoX = defineArchitecture({
  modelType: "gpt_neox",
  prefix: "gpt_neox.",
  tie: { embedding: "gpt_neox.embed_in", head: "lm_head" },
  olderNames: { lm_head: "embed_out" },
  fields: {
    ...shared,
    hidden_act: withDefault(activationName, "gelu"),
    layer_norm_eps: withDefault(z.number().positive(), 1e-5),
    use_parallel_residual: withDefault(z.boolean(), true),
    attention_bias: withDefault(z.boolean(), true),
    rotary_emb_base: optional(z.number()),
    rotary_pct: optional(z.number()),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, layerNormEps: epsilon, vocabSize: vocabulary } = config;
    const { hiddenAct: kind, attentionBias: bias, useParallelResidual: isParallel } = config;
    const headDim = hiddenSize / heads;
    refuse(!Number.isInteger(headDim), "num_attention_heads", heads, `a divisor of hidden_size (${hiddenSize})`);
    // outside of rope_parameters, transformers reads only rotary_emb_base and rotary_pct
    const rope = parseRope(
      { ...(raw as object), rope_theta: undefined, partial_rotary_factor: undefined },
      {
        defaultTheta: config.rotaryEmbBase ?? 10000,
        defaultPartialRotaryFactor: config.rotaryPct ?? 0.25,
        maxPositions: config.maxPositionEmbeddings,
      },
    );

    let x = embedding(program, { module: "gpt_neox.embed_in", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `gpt_neox.layers.${layer}`;
      const module = `${at}.attention`;

      const a = layerNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const fused = { module: `${module}.query_key_value`, heads, keyValueHeads: heads, headDim, bias };
      const { query, key, value } = groupedQueryKeyValue(program, a, fused); // [tokens, hidden]
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads: heads, headDim, rope }); // [tokens, hidden]
      const dense = linear(program, mixed, { module: `${module}.dense`, width: hiddenSize, bias }); // [tokens, hidden]
      const attended = isParallel ? x : add(program, x, dense, at);

      const m = layerNorm(program, attended, { module: `${at}.post_attention_layernorm`, epsilon });
      const fed = mlp(program, m, {
        module: `${at}.mlp`,
        kind,
        first: { module: `${at}.mlp.dense_h_to_4h`, width: intermediateSize, bias: true }, // [tokens, intermediate]
        second: { module: `${at}.mlp.dense_4h_to_h`, width: hiddenSize, bias: true },
      });
      x = add(program, attended, isParallel ? add(program, dense, fed, at) : fed, at);
    }
    const hidden = layerNorm(program, x, { module: "gpt_neox.final_layer_norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
