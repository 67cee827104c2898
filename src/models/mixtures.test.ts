import { describe, expect, it } from "vitest";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import type { Model } from "../ops/program.ts";
import { buildModel, loadModel } from "./load.ts";

const sizes = {
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 32,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
};
const bloom = { model_type: "bloom", vocab_size: 64, hidden_size: 32, n_layer: 2, n_head: 4 };
const mpt = { model_type: "mpt", vocab_size: 64, d_model: 32, n_layers: 2, n_heads: 4 };
const mixtral = { ...sizes, model_type: "mixtral", num_local_experts: 4 };
const qwen3 = { ...sizes, model_type: "qwen3_moe", num_experts: 8, num_experts_per_tok: 2 };
const qwen2 = { ...sizes, model_type: "qwen2_moe", num_experts: 8, num_experts_per_tok: 2 };
const gptOss = { ...sizes, model_type: "gpt_oss", head_dim: 16, num_local_experts: 4, num_experts_per_tok: 2 };
const deepseek = {
  ...sizes,
  model_type: "deepseek_v3",
  num_key_value_heads: 4,
  n_routed_experts: 8,
  n_group: 2,
  topk_group: 1,
  num_experts_per_tok: 2,
  kv_lora_rank: 16,
  q_lora_rank: 24,
  qk_rope_head_dim: 8,
  qk_nope_head_dim: 16,
  v_head_dim: 24,
};

const opsOf = (model: Model, name: string) => model.programs.decode.ops.filter(({ op }) => op === name);

describe("what cannot be done is refused by name", () => {
  it.each<[string, object, string]>([
    ["MPT without ALiBi", { ...mpt, attn_config: { alibi: false } }, "attn_config.alibi"],
    ["MPT with norms of queries and keys", { ...mpt, attn_config: { qk_ln: true } }, "attn_config.qk_ln"],
    ["MPT's prefixes", { ...mpt, attn_config: { prefix_lm: true } }, "attn_config.prefix_lm"],
    ["MPT's single key", { ...mpt, attn_config: { attn_type: "multiquery_attention" } }, "attn_config.attn_type"],
    ["MPT's scaled logits", { ...mpt, logit_scale: "inv_sqrt_d_model" }, "logit_scale"],
    ["BLOOM's heads of no whole width", { ...bloom, n_head: 5 }, "n_head"],
    ["another limit of SwiGLU", { ...gptOss, swiglu_limit: 3 }, "swiglu_limit"],
    ["another quantisation", { ...gptOss, quantization_config: { quant_method: "hqq" } }, "quantization_config.quant_method"],
    [
      "a field of MXFP4 that may change what it means",
      { ...gptOss, quantization_config: { quant_method: "mxfp4", scale_bits: 4 } },
      "quantization_config.scale_bits",
    ],
    ["softmax routing in DeepSeek", { ...deepseek, scoring_func: "softmax" }, "scoring_func"],
    ["fewer keys than heads in DeepSeek", { ...deepseek, num_key_value_heads: 2 }, "num_key_value_heads"],
    ["windows of no size", { ...gptOss, sliding_window: null }, "sliding_window"],
  ])("%s", (_, config, field) => {
    expect(() => buildModel(config)).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });
  it("sizes that do not fit", () => {
    for (const config of [
      { ...mixtral, num_experts_per_tok: 5 },
      { ...deepseek, n_group: 3 },
      { ...deepseek, topk_group: 3 },
      { ...deepseek, num_experts_per_tok: 5 },
    ]) {
      expect(() => buildModel(config)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    }
  });
});

describe("layers", () => {
  it("have experts where Qwen says so", () => {
    const sparse = (config: object) => opsOf(buildModel(config), "experts").map(({ module }) => module.split(".")[2]);
    expect(sparse(qwen3)).toEqual(["0", "1", "2", "3"]);
    expect(sparse({ ...qwen3, mlp_only_layers: [1] })).toEqual(["0", "2", "3"]);
    expect(sparse({ ...qwen2, decoder_sparse_step: 2 })).toEqual(["1", "3"]);
    expect(sparse({ ...qwen3, num_experts: 0 })).toEqual([]);
    expect(sparse({ ...deepseek, first_k_dense_replace: 3 })).toEqual(["3"]);
  });
  it("have windows in turn in gpt-oss and OLMo 3", () => {
    const windows = (config: object) => opsOf(buildModel(config), "attend").map(({ attributes }) => attributes.window);
    expect(windows(gptOss)).toEqual([128, undefined, 128, undefined]);
    expect(windows({ ...sizes, model_type: "olmo3" })).toEqual([4096, 4096, 4096, undefined]);
    expect(windows({ ...qwen2, use_sliding_window: true, sliding_window: 9, max_window_layers: 2 })).toEqual([
      9,
      undefined,
      undefined,
      undefined,
    ]);
  });
  it("of latent attention cache one latent and one rotary key for all heads", () => {
    const [state] = buildModel(deepseek).states;
    expect(state!.parts.slice(0, 2).map(({ shape }) => shape)).toEqual([
      [1, 24],
      [1, 16],
    ]);
  });
  it("of a stretched DeepSeek score by the square of yarn's factor", () => {
    const rope_scaling = { type: "yarn", factor: 40, original_max_position_embeddings: 16, mscale: 1, mscale_all_dim: 1 };
    const scale = (config: object) => Number(opsOf(buildModel(config), "attend")[0]!.attributes.scale) * Math.sqrt(24);
    expect(scale(deepseek)).toBeCloseTo(1, 12);
    expect(scale({ ...deepseek, rope_scaling })).toBeCloseTo((0.1 * Math.log(40) + 1) ** 2, 12);
  });
});

describe("config fields", () => {
  it("have the names that transformers maps", () => {
    const general = { vocab_size: 64, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4 };
    expect(buildModel({ ...general, model_type: "bloom" })).toEqual(buildModel(bloom));
    expect(buildModel({ ...general, model_type: "mpt" })).toEqual(buildModel(mpt));
    const { num_experts, ...rest } = qwen3;
    expect(buildModel({ ...rest, num_local_experts: num_experts })).toEqual(buildModel(qwen3));
  });
  it("of gpt-oss stretch the context by themselves", () => {
    const yarn = {
      rope_type: "yarn",
      factor: 32,
      truncate: false,
      original_max_position_embeddings: 4096,
      beta_fast: 32,
      beta_slow: 1,
    };
    expect(buildModel({ ...gptOss, rope_theta: 150000, rope_scaling: yarn })).toEqual(buildModel(gptOss));
  });
});

describe("layouts of experts", () => {
  const config = { ...gptOss, num_hidden_layers: 1, quantization_config: { quant_method: "mxfp4" } };
  const sourceOf = (model: Model, change: (name: string, shape: readonly number[]) => [string, readonly number[]][]) => {
    const tensors = model.weights.flatMap(({ from, shape }) => change(from[0]!.tensor, shape));
    const infos = tensors.map(([name, shape]) => ({ name, dtype: "uint8" as const, shape, bytes: 0 }));
    return { tensors: () => infos } satisfies CheckpointTensors;
  };
  const packed = (name: string, [experts, rows, columns]: readonly number[]): [string, readonly number[]][] => [
    [`${name}_blocks`, [experts!, rows!, columns! / 32, 16]],
    [`${name}_scales`, [experts!, rows!, columns! / 32]],
  ];
  const isStack = (name: string) => name.endsWith("_proj");

  it("are bound to what the checkpoint has", async () => {
    const model = buildModel(config);
    const floats = sourceOf(model, (name, shape) => [[name, isStack(name) ? [shape[0]!, shape[2]!, shape[1]!] : shape]]);
    const blocks = sourceOf(model, (name, shape) => (isStack(name) ? packed(name, shape) : [[name, shape]]));
    const stackOf = (bound: Model) => bound.weights.find(({ name }) => name.endsWith("down_proj"))!;
    const name = "model.layers.0.mlp.experts.down_proj";
    expect(stackOf(await loadModel(config, floats)).from[1]).toEqual({ tensor: name, index: 1, transpose: true });
    const bound = stackOf(await loadModel(config, blocks));
    const tensors = { codes: `${name}_blocks`, scales: `${name}_scales` };
    const storage = { kind: "mxfp4", shape: [4, 32, 32], group: 32, tensors };
    expect(bound.from[3]).toEqual({ tensor: name, index: 3, storage });
    expect(bound).not.toHaveProperty("alternatives");
  });
  it("must have their shapes, and all their parts", async () => {
    const model = buildModel(config);
    const short = sourceOf(model, (name, shape) =>
      isStack(name) ? packed(name, [shape[0]! - 1, ...shape.slice(1)]) : [[name, shape]],
    );
    await expect(loadModel(config, short)).rejects.toMatchObject({ code: "weight_shape" });
    const halves = sourceOf(model, (name, shape) => (isStack(name) ? packed(name, shape).slice(0, 1) : [[name, shape]]));
    await expect(loadModel(config, halves)).rejects.toMatchObject({ code: "weights_missing" });
  });
});
