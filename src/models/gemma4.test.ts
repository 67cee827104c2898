import { describe, expect, it } from "vitest";
import type { Model } from "../ops/program.ts";
import { buildModel } from "./load.ts";

const gemma4 = {
  model_type: "gemma4_text",
  vocab_size: 64,
  vocab_size_per_layer_input: 64,
  hidden_size: 16,
  hidden_size_per_layer_input: 6,
  intermediate_size: 24,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  global_head_dim: 12,
  sliding_window: 5,
  layer_types: ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
};
const mixture = { ...gemma4, enable_moe_block: true, num_experts: 4, top_k_experts: 2, moe_intermediate_size: 8 };

const opsOf = (model: Model, name: string) => model.programs.decode.ops.filter(({ op }) => op === name);
const attends = (config: object) => opsOf(buildModel(config), "attend");
const withRope = (rope: object) => ({
  ...gemma4,
  rope_parameters: { full_attention: { rope_theta: 100, ...rope }, sliding_attention: { rope_theta: 10 } },
});

describe("what cannot be done is refused by name", () => {
  it.each<[string, object, string]>([
    ["attention of an encoder", { ...gemma4, use_bidirectional_attention: "all" }, "use_bidirectional_attention"],
    ["layers that all share", { ...gemma4, num_kv_shared_layers: 4 }, "num_kv_shared_layers"],
    ["a type of layers that all share", { ...gemma4, num_kv_shared_layers: 3 }, "num_kv_shared_layers"],
    ["tokens without small inputs", { ...gemma4, vocab_size_per_layer_input: 63 }, "vocab_size_per_layer_input"],
    ["mixtures of no size", { ...mixture, top_k_experts: null }, "top_k_experts"],
    ["other differences of layers", { ...gemma4, per_layer_config: { 1: { skip: ["mlp"] } } }, "per_layer_config.1.skip"],
    ["differences of other layers", { ...gemma4, per_layer_config: { 4: {} } }, "per_layer_config.4"],
    ["layers of one type that differ", { ...gemma4, per_layer_config: { 1: { head_dim: 4 } } }, "per_layer_config"],
    [
      "a part of the heads in another kind",
      withRope({ rope_type: "linear", factor: 2, partial_rotary_factor: 0.5 }),
      "rope_parameters.full_attention.partial_rotary_factor",
    ],
    ["another kind of rotation", withRope({ rope_type: "spiral" }), "rope_parameters.full_attention.rope_type"],
  ])("%s", (_, config, field) => {
    expect(() => buildModel(config)).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });

  it.each<[string, object, string]>([
    ["a rotation without a base", withRope({ rope_theta: null }), "rope_parameters.full_attention.rope_theta"],
    ["one rotation for all layers", { ...gemma4, rope_parameters: { rope_theta: 10 } }, "rope_parameters.sliding_attention"],
    ["heads of no size", { ...gemma4, per_layer_config: { 1: { head_dim: 0 } } }, "per_layer_config.1.head_dim"],
  ])("%s", (_, config, field) => {
    expect(() => buildModel(config)).toThrow(
      expect.objectContaining({ code: "config_invalid", details: expect.objectContaining({ field }) }),
    );
  });
});

describe("keys and values", () => {
  it("are read by the last layers from the last ones of their type that have their own", () => {
    const layer_types = ["sliding", "sliding", "full", "full", "sliding", "sliding"].map((type) => `${type}_attention`);
    const model = buildModel({
      ...gemma4,
      num_hidden_layers: 6,
      layer_types,
      num_kv_shared_layers: 3,
      use_double_wide_mlp: true,
    });
    const [, first, second, third, fourth, fifth] = opsOf(model, "attend");
    expect(opsOf(model, "store")).toHaveLength(3);
    // layer 3 is full by name, the last by rule
    expect(third!.state).toEqual(second!.state);
    expect(fourth!.state).toEqual(first!.state);
    expect(fifth!.state).toEqual(second!.state);
    expect(model.states.map(({ window, parts }) => [window, parts.length])).toEqual([
      [5, 4],
      [undefined, 2],
    ]);
    const width = (layer: number) =>
      model.weights.find(({ name }) => name === `model.layers.${layer}.mlp.up_proj.weight`)!.shape[0];
    expect([2, 3, 5].map(width)).toEqual([24, 48, 48]);
    const names = model.weights.map(({ name }) => name);
    expect(names).not.toContain("model.layers.3.self_attn.k_proj.weight");
    expect(names).toContain("model.layers.3.self_attn.q_norm.weight");
  });

  it("are one projection where the config says so, in layers of full attention", () => {
    const names = buildModel({ ...gemma4, attention_k_eq_v: true }).weights.map(({ name }) => name);
    const values = [0, 1, 2, 3].map((layer) => names.includes(`model.layers.${layer}.self_attn.v_proj.weight`));
    expect(values).toEqual([true, false, true, false]);
  });
});

describe("layers of full attention", () => {
  const heads = (config: object) =>
    attends(config).map(({ attributes: { headDim, keyValueHeads } }) => [headDim, keyValueHeads]);

  it("have heads of their own, as the older and the newer files say it", () => {
    expect(heads(gemma4)).toEqual([
      [8, 2],
      [12, 2],
      [8, 2],
      [12, 2],
    ]);
    const { global_head_dim, ...rest } = gemma4;
    expect(heads(rest)[1]).toEqual([512, 2]);
    const older = { ...gemma4, attention_k_eq_v: true, num_global_key_value_heads: 1 };
    const own = { head_dim: global_head_dim, num_key_value_heads: 1 };
    const newer = { ...rest, attention_k_eq_v: true, per_layer_config: { "01": own, "03": own } };
    expect(buildModel(older)).toEqual(buildModel(newer));
    expect(heads({ ...gemma4, num_global_key_value_heads: 1 })).toEqual(heads(gemma4));
    expect(heads({ ...older, per_layer_config: {} })[1]).toEqual([8, 2]);
    expect(heads({ ...older, per_layer_config: null })[1]).toEqual([8, 2]);
  });

  it("are every sixth and the last, unless layer_types says more", () => {
    const windows = (config: object) => attends(config).map(({ attributes }) => attributes.window);
    const { layer_types, ...rest } = gemma4;
    expect(windows({ ...rest, num_hidden_layers: 8 })).toEqual([5, 5, 5, 5, 5, undefined, 5, undefined]);
    expect(windows({ ...gemma4, layer_types: layer_types.toReversed() })).toEqual([undefined, 5, undefined, undefined]);
  });

  it("turn a quarter of their pairs by default; in the default kind all", () => {
    const turns = (config: object) =>
      opsOf(buildModel(config), "rotary").map(({ attributes }) => (attributes.frequencies as number[]).filter(Boolean).length);
    expect(turns(gemma4)).toEqual([4, 4, 1, 1, 4, 4, 1, 1]);
    expect(turns(withRope({ partial_rotary_factor: 0.5 })).slice(2, 4)).toEqual([6, 6]);
    expect(turns(withRope({ rope_type: "proportional", partial_rotary_factor: 0.5 })).slice(2, 4)).toEqual([3, 3]);
  });
});

it("has no small inputs where they have no width, and a head of its own when it is not tied", () => {
  const names = buildModel({ ...gemma4, hidden_size_per_layer_input: 0, tie_word_embeddings: false }).weights.map(
    ({ name }) => name,
  );
  expect(names.filter((name) => name.includes("per_layer"))).toEqual([]);
  expect(names).toContain("lm_head.weight");
});

it("has a mixture beside the MLP of every layer, whose router reads what the MLP's norm reads", () => {
  const model = buildModel(mixture);
  const routes = opsOf(model, "route");
  expect(routes).toHaveLength(4);
  const [gains] = routes[0]!.weights.slice(1);
  expect(model.weights[gains!]!.name).toBe("model.layers.0.router.per_expert_scale");
});
