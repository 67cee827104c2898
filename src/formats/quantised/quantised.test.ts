import { describe, expect, it } from "vitest";
import type { TensorInfo } from "../../tensor/tensor-info.ts";
import { openQuantisation, type TensorLookup } from "./index.ts";

/** Tensors of a checkpoint, all of whose names begin with "text.". */
function lookupOf(tensors: Record<string, [TensorInfo["dtype"], readonly number[]]>): TensorLookup {
  return {
    find: (tensor) => (`text.${tensor}` in tensors ? `text.${tensor}` : undefined),
    info: (name) => {
      const [dtype, shape] = tensors[name]!;
      return { name, dtype, shape, bytes: 0 };
    },
    bytes: () => new Uint8Array(),
    isInputsFirst: () => false,
  };
}

describe("a checkpoint that is not quantised", () => {
  it.each([undefined, null])("has plain tensors alone (%s)", (config) => {
    expect(openQuantisation(config)("w", lookupOf({ "text.w_blocks": ["uint8", [2, 4, 16]] }))).toBeUndefined();
  });
});

describe("a quantised checkpoint", () => {
  it.each<[string, unknown, string, unknown]>([
    ["a method that has no file", { quant_method: "hqq" }, "quantization_config.quant_method", "hqq"],
    ["a config without a method", { bits: 4 }, "quantization_config.quant_method", { bits: 4 }],
    ["something that is no config", "mxfp4", "quantization_config.quant_method", "mxfp4"],
    ["a field that is not known", { quant_method: "mxfp4", group_size: 64 }, "quantization_config.group_size", 64],
  ])("is refused for %s, by name", (_, config, field, given) => {
    expect(() => openQuantisation(config)).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field, given }) }),
    );
  });
  it("is refused with the list of methods that load", () => {
    expect(() => openQuantisation({ quant_method: "hqq" })).toThrow(/checkpoints that are not quantised, .*mxfp4/);
  });
});

describe("MXFP4", () => {
  const storageOf = openQuantisation({ quant_method: "mxfp4", modules_to_not_convert: ["lm_head"], dequantize: true });
  const codes: [TensorInfo["dtype"], readonly number[]] = ["uint8", [4, 64, 3, 16]];
  const scales: [TensorInfo["dtype"], readonly number[]] = ["uint8", [4, 64, 3]];

  it("holds a tensor as blocks and scales, with rows and columns exchanged", () => {
    expect(storageOf("w", lookupOf({ "text.w_blocks": codes, "text.w_scales": scales }))).toEqual({
      tensor: "text.w",
      storage: { kind: "mxfp4", shape: [4, 64, 96], tensors: { codes: "text.w_blocks", scales: "text.w_scales" }, group: 32 },
      transposed: true,
    });
  });
  it("leaves plain tensors alone", () => {
    expect(storageOf("w", lookupOf({ "text.w": ["bfloat16", [64, 96]] }))).toBeUndefined();
  });
  it("says which tensor is missing", () => {
    expect(storageOf("w", lookupOf({ "text.w_blocks": codes }))).toEqual({ missing: ["w_scales"] });
  });
  it.each<[string, [TensorInfo["dtype"], readonly number[]], [TensorInfo["dtype"], readonly number[]], string]>([
    ["blocks of another size", ["uint8", [4, 64, 3, 8]], scales, "text.w_blocks"],
    ["blocks of another type", ["int8", [4, 64, 3, 16]], scales, "text.w_blocks"],
    ["too few scales", codes, ["uint8", [4, 64, 2]], "text.w_scales"],
    ["scales of another type", codes, ["bfloat16", [4, 64, 3]], "text.w_scales"],
  ])("refuses %s", (_, blocks, exponents, name) => {
    expect(() => storageOf("w", lookupOf({ "text.w_blocks": blocks, "text.w_scales": exponents }))).toThrow(
      expect.objectContaining({ code: "weight_shape", details: expect.objectContaining({ name }) }),
    );
  });
});
