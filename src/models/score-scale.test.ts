import { describe, expect, it } from "vitest";
import { buildModel } from "./load.ts";

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
    expect(growth(mistral4)).toEqual({ strength: 0.1, length: 8192 });
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
});
