import { z } from "zod";
import {
  add,
  attention,
  embedding,
  languageHead,
  linear,
  type ProgramBuilder,
  rmsNorm,
  type Value,
} from "../../layers/index.ts";
import { count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope, withRotaryDefaults } from "../rope-config.ts";

/** What config.json leaves out. */
const usualRope = {
  rope_type: "llama3",
  rope_theta: 12000000,
  factor: 8,
  original_max_position_embeddings: 8192,
  low_freq_factor: 1,
  high_freq_factor: 4,
};

/**
 * Apertus: a norm on every query and key head, and an MLP without a gate whose activation, xIELU, has learned numbers.
 * Source: transformers' modeling_apertus.py; Swiss AI 2025, "Apertus".
 */
export const apertus = defineArchitecture({
  modelType: "apertus",
  fields: {
    ...decoderFields,
    hidden_act: withDefault(z.string(), "xielu"),
    max_position_embeddings: withDefault(count, 65536),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
  },
  forward(config, { program, raw, tiedTo, has }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const { attentionBias: bias, maxPositionEmbeddings: maxPositions } = config;
    refuse(config.hiddenAct !== "xielu", "hidden_act", config.hiddenAct, "xielu");
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    const rope = parseRope(withRotaryDefaults(raw, usualRope), { defaultTheta: 12000000, maxPositions });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.self_attn`;

      const a = rmsNorm(program, x, { module: `${at}.attention_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${module}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${module}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${module}.v_proj`, width: keyValueHeads * headDim, bias });
      query = rmsNorm(program, query, { module: `${module}.q_norm`, epsilon, groupSize: headDim });
      key = rmsNorm(program, key, { module: `${module}.k_norm`, epsilon, groupSize: headDim });
      const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope }); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${module}.o_proj`, width: hiddenSize, bias }), at);

      const m = rmsNorm(program, x, { module: `${at}.feedforward_layernorm`, epsilon }); // [tokens, hidden]
      const inner = linear(program, m, { module: `${at}.mlp.up_proj`, width: intermediateSize }); // [tokens, intermediate]
      const active = learnedActivation(program, inner, `${at}.mlp.act_fn`, has);
      x = add(program, x, linear(program, active, { module: `${at}.mlp.down_proj`, width: hiddenSize }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});

/** xIELU: two learned numbers, and two that a checkpoint may hold. */
function learnedActivation(program: ProgramBuilder, x: Value, module: string, has: (tensor: string) => boolean): Value {
  const learned = ["alpha_p", "alpha_n"].map((name) =>
    program.weight({ name: `${module}.${name}`, shape: [1], use: "vector" }),
  );
  const given = ["beta", "eps"].map((name) =>
    has(`${module}.${name}`) ? program.weight({ name: `${module}.${name}`, shape: [], use: "vector" }) : undefined,
  );
  return program.value("xielu", { module, inputs: [x], weights: [...learned, ...given] });
}
