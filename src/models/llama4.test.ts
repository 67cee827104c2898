import { describe, expect, it } from "vitest";
import { buildModel } from "./load.ts";

const llama4 = {
  model_type: "llama4_text",
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  intermediate_size_mlp: 40,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  num_local_experts: 3,
  attention_chunk_size: 9,
};

const opsOf = (config: object, name: string) => buildModel(config).programs.decode.ops.filter(({ op }) => op === name);
const has = (config: object, op: string) => {
  const modules = new Set(opsOf(config, op).map(({ module }) => module));
  return [0, 1, 2, 3].map((layer) => [...modules].some((module) => module.startsWith(`model.layers.${layer}.`)));
};
const chunks = (config: object) => opsOf(config, "attend").map(({ attributes }) => attributes.chunk);

describe("layers of Llama 4", () => {
  it("have chunks and turn, but every fourth, whose queries grow", () => {
    expect(chunks(llama4)).toEqual([9, 9, 9, undefined]);
    expect(has(llama4, "rotary")).toEqual([true, true, true, false]);
    expect(has(llama4, "scale_by_position")).toEqual([false, false, false, true]);
    const { attributes } = opsOf(llama4, "scale_by_position")[0]!;
    expect(attributes).toEqual({ strength: 0.1, length: 8192, offset: 1, countsPadding: true });
    expect(opsOf({ ...llama4, attn_temperature_tuning: false }, "scale_by_position")).toEqual([]);
    expect(buildModel(llama4).states.map(({ window }) => window)).toEqual([9, undefined]);
  });

  it("turn as no_rope_layers says, which may be longer or empty; chunks follow, unless layer_types speaks", () => {
    const given = { ...llama4, no_rope_layers: [0, 1, 0, 1, 1, 1] };
    expect(has(given, "rotary")).toEqual([false, true, false, true]);
    expect(chunks(given)).toEqual([undefined, 9, undefined, 9]);
    const layer_types = ["chunked_attention", "full_attention", "full_attention", "chunked_attention"];
    expect(has({ ...given, layer_types }, "rotary")).toEqual([false, true, false, true]);
    expect(chunks({ ...given, layer_types })).toEqual([9, undefined, undefined, 9]);
    expect(has({ ...llama4, no_rope_layers: [], no_rope_layer_interval: 3 }, "rotary")).toEqual([true, true, false, true]);
  });

  it("have experts in steps or where moe_layers says, and normalise queries and keys where they turn", () => {
    expect(has(llama4, "experts")).toEqual([true, true, true, true]);
    expect(has({ ...llama4, interleave_moe_layer_step: 2 }, "experts")).toEqual([false, true, false, true]);
    expect(has({ ...llama4, moe_layers: [2], interleave_moe_layer_step: 2 }, "experts")).toEqual([false, false, true, false]);
    expect(has({ ...llama4, moe_layers: [] }, "experts")).toEqual([false, false, false, false]);
    const norms = (config: object) => opsOf(config, "rms_norm").filter(({ module }) => module.endsWith(".qk_norm")).length;
    expect(norms(llama4)).toBe(6);
    expect(norms({ ...llama4, use_qk_norm: false })).toBe(0);
  });

  it.each<[string, object, string]>([
    ["no chunk size", { attention_chunk_size: null }, "attention_chunk_size"],
    ["layer types for other layers", { layer_types: ["full_attention"] }, "layer_types"],
    ["sliding layers", { layer_types: [...Array(3).fill("full_attention"), "sliding_attention"] }, "layer_types.3"],
    ["too few no_rope_layers", { no_rope_layers: [1, 0] }, "no_rope_layers"],
    ["a part of a head", { rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } }, "partial_rotary_factor"],
  ])("are refused by name: %s", (_, more, field) => {
    expect(() => buildModel({ ...llama4, ...more })).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });

  it("do without a chunk size where none has chunks", () => {
    const config = { ...llama4, attention_chunk_size: null, layer_types: Array(4).fill("full_attention") };
    expect(chunks(config)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
