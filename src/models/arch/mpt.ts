import { z } from "zod";
import {
  add,
  alibiSlopesOfMpt,
  attention,
  clamp,
  embedding,
  languageHead,
  layerNorm,
  linear,
  mlp,
  rowsOf,
} from "../../layers/index.ts";
import { count, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

const flag = withDefault(z.boolean(), false);

/**
 * MPT: ALiBi, no biases. As in transformers the inner width is 4 · d_model whatever `expansion_ratio` says, slopes end at
 * 2^−8 whatever `alibi_bias_max` says, and `learned_pos_emb` means nothing beside ALiBi. Source: transformers' modeling_mpt.py; MosaicML 2023.
 */
export const mpt = defineArchitecture({
  modelType: "mpt",
  prefix: "transformer.",
  tie: { embedding: "transformer.wte", head: "lm_head" },
  aliases: { num_attention_heads: "n_heads", hidden_size: "d_model", num_hidden_layers: "n_layers" },
  fields: {
    d_model: withDefault(count, 2048),
    n_heads: withDefault(count, 16),
    n_layers: withDefault(count, 24),
    max_seq_len: withDefault(count, 2048),
    vocab_size: withDefault(count, 50368),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    no_bias: withDefault(z.boolean(), true),
    logit_scale: z.unknown().optional(),
    tie_word_embeddings: withDefault(z.boolean(), true),
    attn_config: withDefault(
      z.object({
        attn_type: withDefault(z.string(), "multihead_attention"),
        clip_qkv: optional(z.number().nonnegative()),
        softmax_scale: optional(z.number()),
        prefix_lm: flag,
        qk_ln: flag,
        attn_uses_sequence_id: flag,
        alibi: withDefault(z.boolean(), true),
      }),
      {
        attn_type: "multihead_attention",
        clip_qkv: undefined,
        softmax_scale: undefined,
        prefix_lm: false,
        qk_ln: false,
        attn_uses_sequence_id: false,
        alibi: true,
      },
    ),
  },
  facts: (config) => ({ hiddenSize: config.dModel, maxPositions: config.maxSeqLen }),
  forward(config, { program, tiedTo, has }) {
    const { dModel: width, nHeads: heads, layerNormEpsilon: epsilon, vocabSize: vocabulary, attnConfig: given } = config;
    const headDim = width / heads;
    refuse(!Number.isInteger(headDim), "n_heads", heads, `a divisor of d_model (${width})`);
    // transformers gives its layers no biases even with no_bias false
    const hasBias = !config.noBias && has("transformer.blocks.0.attn.Wqkv.bias");
    refuse(hasBias, "no_bias", false, "true, or a checkpoint without biases");
    refuse(config.logitScale != null, "logit_scale", config.logitScale, "null");
    refuse(given.attn_type !== "multihead_attention", "attn_config.attn_type", given.attn_type, "multihead_attention");
    refuse(!given.alibi, "attn_config.alibi", false, "true");
    for (const name of ["prefix_lm", "qk_ln", "attn_uses_sequence_id"] as const) {
      refuse(given[name], `attn_config.${name}`, true, "false");
    }
    const slopes = alibiSlopesOfMpt(heads, 8);
    const scale = given.softmax_scale ?? 1 / Math.sqrt(headDim);
    const limit = given.clip_qkv;

    let x = embedding(program, { module: "transformer.wte", vocabulary, width }); // [tokens, width]
    for (const layer of program.layers(config.nLayers)) {
      const at = `transformer.blocks.${layer}`;
      const module = `${at}.attn`;

      const a = layerNorm(program, x, { module: `${at}.norm_1`, epsilon, bias: false }); // [tokens, width]
      // Wqkv [3 * width, width] holds query, key and value one after the other
      const [query, key, value] = ["query", "key", "value"].map((name, i) => {
        const part = linear(program, a, rowsOf(`${module}.Wqkv`, name, [[i * width, (i + 1) * width]]));
        return limit ? clamp(program, part, -limit, limit, module) : part; // [tokens, heads * headDim]
      });
      const shape = { module, heads, keyValueHeads: heads, headDim, scale, slopes };
      const mixed = attention(program, query!, key!, value!, shape); // [tokens, width]
      x = add(program, x, linear(program, mixed, { module: `${module}.out_proj`, width }), at);

      const m = layerNorm(program, x, { module: `${at}.norm_2`, epsilon, bias: false }); // [tokens, width]
      const fed = mlp(program, m, {
        module: `${at}.ffn`,
        kind: "gelu",
        first: { module: `${at}.ffn.up_proj`, width: 4 * width }, // [tokens, 4 * width]
        second: { module: `${at}.ffn.down_proj`, width },
      });
      x = add(program, x, fed, at);
    }
    const hidden = layerNorm(program, x, { module: "transformer.norm_f", epsilon, bias: false }); // [tokens, width]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
