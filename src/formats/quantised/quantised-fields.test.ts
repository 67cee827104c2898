import { describe, expect, it } from "vitest";
import { columnGroupsOf } from "../../tensor/storages/column-groups.ts";
import { schemesOf } from "./compressed-tensors-config.ts";
import { skipsOf } from "./fields.ts";
import { openQuantisation } from "./index.ts";

const weights = { num_bits: 4, type: "int", symmetric: true, strategy: "group", group_size: 32 };
const groupsOf = (changes: object) => ({ config_groups: { a: { targets: ["Linear"], weights, ...changes } } });

describe("fields of quantization_config", () => {
  it.each<[string, object, string]>([
    ["bits", { quant_method: "gptq", bits: 5 }, "bits"],
    ["a layout", { quant_method: "gptq", bits: 4, checkpoint_format: "marlin" }, "checkpoint_format"],
    ["a switch of another layout", { quant_method: "gptq", bits: 4, is_marlin_format: true }, "is_marlin_format"],
    ["a size of groups", { quant_method: "gptq", bits: 4, group_size: 0 }, "group_size"],
    ["a rule of single modules", { quant_method: "gptq", bits: 4, dynamic: { "+:.*": { bits: 9 } } }, "bits"],
    ["a pattern that could spin", { quant_method: "gptq", bits: 4, dynamic: { "(a+)+$": { bits: 8 } } }, "dynamic"],
    ["an unknown field", { quant_method: "gptq", bits: 4, hadamard: true }, "hadamard"],
    ["AWQ's other layouts", { quant_method: "awq", version: "gemv" }, "version"],
    ["AWQ without zero points", { quant_method: "awq", zero_point: false }, "zero_point"],
    ["another float", { quant_method: "fp8", fmt: "e5m2" }, "fmt"],
    ["blocks that are none", { quant_method: "fp8", weight_block_size: [128] }, "weight_block_size"],
    ["a list that is none", { quant_method: "fp8", ignored_layers: "lm_head" }, "ignored_layers"],
    [
      "a quantised cache",
      { quant_method: "compressed-tensors", ...groupsOf({}), kv_cache_scheme: { num_bits: 8 } },
      "kv_cache_scheme",
    ],
    [
      "4-bit floats",
      { quant_method: "compressed-tensors", ...groupsOf({ format: "nvfp4-pack-quantized" }) },
      "config_groups.a.format",
    ],
    ["a class", { quant_method: "compressed-tensors", ...groupsOf({ targets: ["Embedding"] }) }, "config_groups.a.targets"],
    [
      "inputs of few bits",
      { quant_method: "compressed-tensors", ...groupsOf({ input_activations: { num_bits: 4 } }) },
      "config_groups.a.input_activations.num_bits",
    ],
  ])("refuse %s by name", (_, config, field) => {
    expect(() => openQuantisation(config)).toThrow(
      expect.objectContaining({
        code: "config_unsupported",
        details: expect.objectContaining({ field: `quantization_config.${field}` }),
      }),
    );
  });
});

describe("lists of modules", () => {
  it("match a pattern at the start of a path, or its end", () => {
    const skips = skipsOf(["lm_head", "model.layers.1", "v_proj"], "modules_to_not_convert");
    expect(["lm_head", "model.layers.10.mlp", "model.layers.2.v_proj"].filter(skips)).toHaveLength(3);
    expect(["model.layers.2.q_proj", "model.v_proj_norm"].some((name) => skips(name))).toBe(false);
  });
  it("of compressed-tensors prefer a name to a pattern, and a pattern to a class", () => {
    const group = (bits: number, targets: string[]) => ({ targets, weights: { ...weights, num_bits: bits } });
    const schemeOf = schemesOf({
      config_groups: { a: group(2, ["Linear"]), b: group(4, ["re:.*mlp.*"]), c: group(8, ["m.mlp.up"]) },
      ignore: ["re:.*gate$"],
    });
    expect(["m.q", "m.mlp.down", "m.mlp.up", "m.mlp.gate"].map((module) => schemeOf(module)?.bits)).toEqual([
      2,
      4,
      8,
      undefined,
    ]);
  });
});

describe("lists of groups", () => {
  const groups = (list: number[], size = 2) => {
    return columnGroupsOf(new Uint8Array(Int32Array.from(list).buffer), 5, size, Math.ceil(5 / size));
  };
  it.each([
    [[0, 0, 1, 1, 2], "runs"],
    [[1, 0, 2, 0, 1], "sorted"],
    [[1, 0, 2, 2, 1], "any"],
    [[0, 0, 1, 1, 3], undefined],
    [[0, 0, 1, -1, 2], undefined],
    [[0, 0, 1, 1], undefined],
  ])("%j is %s", (list, expected) => {
    expect(groups(list)).toBe(expected);
  });
});
