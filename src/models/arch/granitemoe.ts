import { z } from "zod";
import { add, attention, embedding, languageHead, linear, mixtureOfExperts, rmsNorm, scale } from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Granite 3 with mixtures of experts in one tensor for each layer. Source: transformers' modeling_granitemoe.py. */
export const graniteMoe = defineArchitecture({
  modelType: "granitemoe",
  fields: {
    ...decoderFields,
    attention_bias: withDefault(z.boolean(), false),
    num_local_experts: withDefault(count, 8),
    num_experts_per_tok: withDefault(count, 2),
    embedding_multiplier: withDefault(z.number(), 1),
    attention_multiplier: z
      .number()
      .nullable()
      .default(1)
      .transform((value) => value ?? undefined),
    residual_multiplier: withDefault(z.number(), 1),
    logits_scaling: withDefault(z.number(), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, numLocalExperts: experts, hiddenAct: kind, residualMultiplier } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, {
      module: "model.embed_tokens",
      vocabulary,
      width: hiddenSize,
      scale: config.embeddingMultiplier,
    }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      const query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      const key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      const shape = { module, heads, keyValueHeads, headDim, rope, scale: config.attentionMultiplier };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      const attended = linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }); // [tokens, hidden]
      x = add(program, x, scale(program, attended, residualMultiplier, at), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      const moe = `${at}.block_sparse_moe`;
      const fed = mixtureOfExperts(program, m, {
        module: moe,
        stacked: `${moe}.experts`,
        experts,
        width: intermediateSize,
        kind,
        router: {
          module: `${moe}.router.layer`,
          otherModule: `${moe}.router`,
          count: config.numExpertsPerTok,
          score: "chosen_softmax",
        },
        gateUp: layouts([`${moe}.input_linear.weight`, `${moe}.experts.gate_up_proj`], experts),
        down: layouts([`${moe}.output_linear.weight`, `${moe}.experts.down_proj`], experts),
      }); // [tokens, hidden]
      x = add(program, x, scale(program, fed, residualMultiplier, at), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits: scale(program, logits, 1 / config.logitsScaling, "lm_head"), hidden };
  },
});

/** One tensor [experts, out, in], by its names in checkpoints. */
function layouts([name, ...others]: readonly [string, ...string[]], experts: number) {
  const each = (tensor: string) => Array.from({ length: experts }, (_, index) => ({ tensor, index }));
  return { from: each(name), alternatives: others.map(each) };
}
