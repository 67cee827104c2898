import { z } from "zod";
import { add, causalConvolution, embedding, languageHead, linear, rmsNorm, rowsOf } from "../../layers/index.ts";
import { activationName, count, optional, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";

/** Mamba: selective state spaces, no attention. Source: transformers' modeling_mamba.py. */
export const mamba = defineArchitecture({
  modelType: "mamba",
  prefix: "backbone.",
  tie: { embedding: "backbone.embeddings", head: "lm_head" },
  olderNames: { "backbone.embeddings": "backbone.embedding" },
  fields: {
    vocab_size: withDefault(count, 50280),
    hidden_size: withDefault(count, 768),
    state_size: withDefault(count, 16),
    num_hidden_layers: withDefault(count, 32),
    layer_norm_epsilon: withDefault(z.number().positive(), 1e-5),
    intermediate_size: optional(count), // else expand times hidden_size
    expand: withDefault(z.number().positive(), 2),
    conv_kernel: withDefault(count, 4),
    use_bias: withDefault(z.boolean(), false),
    residual_in_fp32: withDefault(z.boolean(), true),
    use_conv_bias: withDefault(z.boolean(), true),
    hidden_act: withDefault(activationName, "silu"),
    time_step_rank: withDefault(z.union([z.literal("auto"), count]), "auto"),
    tie_word_embeddings: withDefault(z.boolean(), true),
  },
  facts: () => ({
    maxPositions: 2 ** 20, // a state of one size, whatever the length: nothing bounds it
  }),
  forward(config, { program, tiedTo }) {
    const { hiddenSize, stateSize, layerNormEpsilon: epsilon, useBias: bias, vocabSize: vocabulary } = config;
    const inner = config.intermediateSize ?? Math.trunc(config.expand * hiddenSize);
    const isResidualFloat32 = config.residualInFp32;
    const rank = config.timeStepRank === "auto" ? Math.ceil(hiddenSize / 16) : config.timeStepRank;

    let x = embedding(program, { module: "backbone.embeddings", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `backbone.layers.${layer}`;
      const module = `${at}.mixer`;

      const a = rmsNorm(program, x, { module: `${at}.norm`, epsilon, roundInput: isResidualFloat32 }); // [tokens, hidden]
      const entering = linear(program, a, { ...rowsOf(`${module}.in_proj`, "x", [[0, inner]]), bias }); // [tokens, inner]
      const gate = linear(program, a, { ...rowsOf(`${module}.in_proj`, "gate", [[inner, 2 * inner]]), bias }); // [tokens, inner]
      const filter = { module: `${module}.conv1d`, size: config.convKernel, bias: config.useConvBias };
      const filtered = causalConvolution(program, entering, filter); // [tokens, inner]
      const active = program.value("activation", { module, inputs: [filtered], attributes: { kind: config.hiddenAct } });

      const part = (name: string, first: number, width: number) =>
        linear(program, active, rowsOf(`${module}.x_proj`, name, [[first, first + width]]));
      const step = part("dt", 0, rank); // [tokens, rank]
      const delta = linear(program, step, { module: `${module}.dt_proj`, width: inner, bias: true, roundProduct: true }); // [tokens, inner]
      const b = part("b", rank, stateSize); // [tokens, stateSize]
      const c = part("c", rank + stateSize, stateSize); // [tokens, stateSize]
      const scanned = program.value("selective_scan", {
        module,
        inputs: [active, delta, b, c],
        weights: [
          program.weight({ name: `${module}.A_log`, shape: [inner, stateSize], use: "vector" }),
          program.weight({ name: `${module}.D`, shape: [inner], use: "vector" }),
        ],
        state: program.slot(module, [inner, stateSize]),
        types: ["float32"],
      }); // [tokens, inner]
      const open = program.value("gated_activation", { module, inputs: [gate, scanned], attributes: { kind: "silu" } });
      x = add(
        program,
        x,
        linear(program, open, { module: `${module}.out_proj`, width: hiddenSize, bias }),
        at,
        isResidualFloat32 ? "float32" : "activation",
      );
    }
    const hidden = rmsNorm(program, x, { module: "backbone.norm_f", epsilon, roundOnce: isResidualFloat32 }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
