import { describe, expect, it } from "vitest";
import type { Model } from "../ops/program.ts";
import { withHiddenStates } from "./hidden-states.ts";
import { buildModel } from "./load.ts";

const gemma3n = {
  model_type: "gemma3n_text",
  vocab_size: 64,
  vocab_size_per_layer_input: 60,
  hidden_size: 16,
  hidden_size_per_layer_input: 6,
  intermediate_size: 24,
  num_hidden_layers: 5,
  num_attention_heads: 4,
  head_dim: 8,
  num_kv_shared_layers: 0,
};
const opsOf = (model: Model, name: string) => model.programs.decode.ops.filter(({ op }) => op === name);

describe("what cannot be done is refused by name", () => {
  it.each<[string, object, string]>([
    ["a stream that is not there", { ...gemma3n, altup_active_idx: 4 }, "altup_active_idx"],
    ["sizes for other layers", { ...gemma3n, intermediate_size: [24] }, "intermediate_size"],
    ["sparsities for other layers", { ...gemma3n, activation_sparsity_pattern: [0.5] }, "activation_sparsity_pattern"],
    ["nothing kept", { ...gemma3n, activation_sparsity_pattern: [0, 0, 0, 0, 1] }, "activation_sparsity_pattern"],
    ["layers that all share", { ...gemma3n, num_kv_shared_layers: null }, "num_kv_shared_layers"],
    [
      "a part of the heads",
      { ...gemma3n, rope_parameters: { full_attention: { rope_type: "linear", factor: 2, partial_rotary_factor: 0.5 } } },
      "rope_parameters.full_attention.partial_rotary_factor",
    ],
  ])("%s", (_, config, field) => {
    expect(() => buildModel(config)).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });
});

it("slides in four layers of five, with other rotations there", () => {
  const model = buildModel(gemma3n);
  expect(opsOf(model, "attend").map(({ attributes }) => attributes.window)).toEqual([512, 512, 512, 512, undefined]);
  const older = { ...gemma3n, rope_theta: 500, rope_local_base_freq: 30, rope_scaling: { rope_type: "linear", factor: 2 } };
  const newer = {
    ...gemma3n,
    rope_parameters: {
      full_attention: { rope_type: "linear", rope_theta: 500, factor: 2 },
      sliding_attention: { rope_type: "default", rope_theta: 30, partial_rotary_factor: 0.5 },
    },
  };
  expect(buildModel(older)).toEqual(buildModel(newer));
});

it("keeps a twentieth of the gates in the first ten layers of many, unless the config says which", () => {
  const cuts = (config: object) => opsOf(buildModel(config), "gaussian_cut").map(({ attributes }) => attributes.deviations);
  expect(cuts(gemma3n)).toEqual([]);
  const many = cuts({ ...gemma3n, num_hidden_layers: 12 }) as number[];
  expect(many).toHaveLength(10);
  for (const deviations of many) expect(deviations).toBeCloseTo(1.6448536, 6);
  expect(cuts({ ...gemma3n, activation_sparsity_pattern: [0, 0.5, 0, -1, 0] })).toEqual([0]);
});

it("has no hidden states of layers with several streams", () => {
  const several = buildModel(gemma3n);
  expect(withHiddenStates(several)).toBe(several);
  const one = buildModel({ ...gemma3n, altup_num_inputs: 1 });
  expect(Object.keys(withHiddenStates(one).programs.decode.outputs)).toContain("hidden.4");
});
