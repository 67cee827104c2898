import { describe, expect, it } from "vitest";
import type { Rope } from "../layers/index.ts";
import { buildModel } from "./load.ts";
import { stretchedScale } from "./score-scale.ts";

const sizes = {
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};
const ministral3 = { ...sizes, model_type: "ministral3" };
const mistral4 = {
  ...sizes,
  model_type: "mistral4",
  n_routed_experts: 4,
  moe_intermediate_size: 8,
  kv_lora_rank: 6,
  q_lora_rank: null,
  qk_rope_head_dim: 4,
  qk_nope_head_dim: 12,
  v_head_dim: 8,
};
const opsOf = (config: object, name: string) => buildModel(config).programs.decode.ops.filter(({ op }) => op === name);
const growth = (config: object) => opsOf(config, "scale_by_position")[0]!.attributes;

describe("queries that grow with the context", () => {
  it("grow by transformers' parameters where config.json has none", () => {
    expect(growth(ministral3)).toEqual({ strength: 0.1, length: 16384, roundFactor: true });
    expect(growth(mistral4)).toEqual({ strength: 0.1, length: 8192, roundFactor: true });
    expect(opsOf(ministral3, "scale_by_position")).toHaveLength(2);
  });

  it("grow by the length that yarn stretches, the outer one first, or the greatest position", () => {
    const yarn = { rope_type: "yarn", factor: 4, llama_4_scaling_beta: 0.5 };
    expect(growth({ ...ministral3, max_position_embeddings: 99, rope_parameters: yarn })).toEqual({
      strength: 0.5,
      length: 99,
      roundFactor: true,
    });
    const rope_scaling = { ...yarn, original_max_position_embeddings: 40 };
    expect(growth({ ...ministral3, rope_scaling })).toEqual({ strength: 0.5, length: 40, roundFactor: true });
    const outer = { ...ministral3, original_max_position_embeddings: 30, rope_scaling };
    expect(growth(outer)).toEqual({ strength: 0.5, length: 30, roundFactor: true });
  });

  it("read what parseRope reads: an empty rope_scaling is none", () => {
    const rope_parameters = { rope_type: "yarn", factor: 4, llama_4_scaling_beta: 0.5, original_max_position_embeddings: 40 };
    const want = { strength: 0.5, length: 40, roundFactor: true };
    expect(growth({ ...ministral3, rope_scaling: {}, rope_parameters })).toEqual(want);
    expect(growth({ ...mistral4, rope_scaling: {}, rope_parameters })).toEqual(want);
    for (const model of [ministral3, mistral4]) expect(growth({ ...model, rope_scaling: {} })).toEqual(growth(model));
    const rotary = (config: object) => opsOf(config, "rotary")[0]!.attributes;
    for (const model of [
      { ...sizes, model_type: "apertus" },
      { ...sizes, model_type: "gpt_oss" },
    ]) {
      expect(rotary({ ...model, rope_scaling: {} })).toEqual(rotary(model));
    }
  });

  it("are refused by name without what they need", () => {
    const refused = (config: object, code: string, field: string) =>
      expect(() => buildModel(config)).toThrow(
        expect.objectContaining({ code, details: expect.objectContaining({ field: expect.stringContaining(field) }) }),
      );
    refused({ ...ministral3, rope_parameters: { rope_type: "yarn", factor: 4 } }, "config_invalid", "llama_4_scaling_beta");
    const plain = { rope_type: "default", rope_theta: 1e4, llama_4_scaling_beta: 0.1 };
    refused({ ...ministral3, rope_parameters: plain }, "config_unsupported", "original_max_position_embeddings");
    refused({ ...mistral4, rope_parameters: plain }, "config_unsupported", "rope_type");
    const part = { rope_type: "yarn", factor: 4, llama_4_scaling_beta: 0.1, partial_rotary_factor: 0.5 };
    refused({ ...mistral4, rope_parameters: part }, "config_unsupported", "partial_rotary_factor");
    refused({ ...mistral4, num_key_value_heads: 2 }, "config_unsupported", "num_key_value_heads");
  });
});

describe("scores of a stretched context", () => {
  const scaleOf = (more: object) => {
    const rope_parameters = { rope_type: "yarn", llama_4_scaling_beta: 0.1, ...more };
    return Number(opsOf({ ...mistral4, rope_parameters }, "attend")[0]!.attributes.scale);
  };
  it("grow by the square of yarn's factor for mscale_all_dim", () => {
    expect(scaleOf({ factor: 4 })).toBeCloseTo(0.25, 9);
    expect(scaleOf({ factor: 4, mscale: 1, mscale_all_dim: 0.5 })).toBeCloseTo(0.25 * (0.05 * Math.log(4) + 1) ** 2, 9);
    expect(scaleOf({ factor: 1, mscale_all_dim: 0.5, mscale: 1 })).toBeCloseTo(0.25, 9);
  });

  it("are of the parameters that parseRope reads, and refused by name", () => {
    const yarn = { rope_type: "yarn", factor: 4, mscale: 1, mscale_all_dim: 0.5 };
    const deepseek = { ...mistral4, model_type: "deepseek_v2", num_experts_per_tok: 2 };
    const scale = (more: object) => Number(opsOf({ ...deepseek, ...more }, "attend")[0]!.attributes.scale);
    const want = scale({ rope_parameters: yarn });
    expect(want).toBeCloseTo(0.25 * (0.05 * Math.log(4) + 1) ** 2, 9);
    expect(scale({ rope_scaling: {}, rope_parameters: yarn })).toBe(want);
    expect(scale({ rope_scaling: yarn, rope_parameters: {} })).toBe(want);
    const field = "rope_scaling.mscale_all_dim";
    const error = expect.objectContaining({ code: "config_invalid", details: expect.objectContaining({ field }) });
    expect(() => stretchedScale({ rope_scaling: { mscale_all_dim: "1" } }, { kind: "default" } as Rope)).toThrow(error);
  });
});
