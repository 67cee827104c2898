import { describe, expect, it } from "vitest";
import type { TensorInfo } from "../../tensor/tensor-info.ts";
import { BitsAndBytesConfig, bitsAndBytesConfigOf } from "./bitsandbytes-config.ts";
import { openQuantisation, quantisationReads, type TensorLookup } from "./index.ts";

type Tensors = Record<string, [TensorInfo["dtype"], readonly number[], (string | Uint8Array)?]>;

function lookupOf(tensors: Tensors, inputsFirst = false): TensorLookup {
  return {
    find: (tensor) => (tensor in tensors ? tensor : undefined),
    info: (name) => ({ name, dtype: tensors[name]![0], shape: tensors[name]![1], bytes: 0 }),
    bytes: (name) => {
      const given = tensors[name]?.[2] ?? new Uint8Array();
      return typeof given === "string" ? new TextEncoder().encode(given) : given;
    },
    isInputsFirst: () => inputsFirst,
  };
}

const method = { quant_method: "bitsandbytes", _load_in_4bit: true, load_in_4bit: true, llm_int8_skip_modules: null };
const state = { quant_type: "nf4", blocksize: 64, dtype: "bfloat16", shape: [96, 48] };
const nested = { nested_blocksize: 256, nested_dtype: "float32", nested_offset: 0.5 };
const stateName = "m.weight.quant_state.bitsandbytes__nf4";
const plain: Tensors = {
  "m.weight": ["uint8", [2304, 1]],
  "m.weight.absmax": ["float32", [72]],
  "m.weight.quant_map": ["float32", [16]],
  [stateName]: ["uint8", [80], JSON.stringify(state)],
};
const double: Tensors = {
  ...plain,
  "m.weight.absmax": ["uint8", [72]],
  "m.weight.nested_absmax": ["float32", [1]],
  "m.weight.nested_quant_map": ["float32", [256]],
  [stateName]: ["uint8", [150], JSON.stringify({ ...state, ...nested })],
};

describe("checkpoints that bitsandbytes made", () => {
  const find = openQuantisation(method);
  it("hold a tensor in 4 bits beside its scales, with the shape that a text says", () => {
    expect(find("m.weight", lookupOf(plain))).toEqual({
      tensor: "m.weight",
      storage: {
        kind: "bitsandbytes4",
        shape: [96, 48],
        tensors: { codes: "m.weight", absmax: "m.weight.absmax", map: "m.weight.quant_map", state: stateName },
        type: "nf4",
        block: 64,
        arithmetic: "float32",
      },
      transposed: false,
    });
    expect(quantisationReads(method)(stateName)).toBe(true);
    expect(quantisationReads(method)("m.weight.nested_quant_map")).toBe(true);
    expect(quantisationReads(method)("m.weight")).toBe(false);
  });
  it("hold it with double quantisation, in any type of packed bytes, and turned where the model's matrices are", () => {
    const packed: Tensors = { ...double, "m.weight": ["bfloat16", [1152, 1]] };
    const found = openQuantisation({ ...method, bnb_4bit_compute_dtype: "bfloat16" })("m.weight", lookupOf(packed, true));
    expect(found).toMatchObject({
      storage: {
        nestedBlock: 256,
        nestedOffset: 0.5,
        arithmetic: "bfloat16",
        tensors: { nestedAbsmax: "m.weight.nested_absmax" },
      },
      transposed: true,
    });
  });
  it("may have a map of scales of their own", () => {
    const map = new Uint8Array(Float32Array.from({ length: 256 }, (_, code) => code / 255).buffer);
    const own: Tensors = { ...double, "m.weight.nested_quant_map": ["float32", [256], map] };
    expect(find("m.weight", lookupOf(own))).toMatchObject({ storage: { ownMap: true } });
    expect(find("m.weight", lookupOf(double))).not.toMatchObject({ storage: { ownMap: true } });
  });
  it("hold it in 8 bits beside the scales of its module", () => {
    const tensors: Tensors = {
      "m.weight": ["int8", [96, 48]],
      "m.SCB": ["float32", [96]],
      "m.weight_format": ["uint8", [], Uint8Array.of(0)],
    };
    // files of old versions do not name the method
    const old = openQuantisation({ load_in_8bit: true, llm_int8_threshold: 4 });
    expect(old("m.weight", lookupOf(tensors))).toMatchObject({
      storage: { kind: "bitsandbytes8", shape: [96, 48], tensors: { codes: "m.weight", scales: "m.SCB" }, threshold: 4 },
    });
    const turing = lookupOf({ ...tensors, "m.weight_format": ["uint8", [], Uint8Array.of(2)] });
    expect(() => old("m.weight", turing)).toThrow(expect.objectContaining({ code: "quantised_tensor" }));
    const { "m.SCB": _, ...without } = tensors;
    expect(old("m.weight", lookupOf(without))).toEqual({ missing: ["m.SCB"] });
  });
  it("leave other tensors alone", () => {
    expect(find("n.weight", lookupOf({ "n.weight": ["bfloat16", [4, 4]] }))).toBeUndefined();
    expect(find("o.weight", lookupOf(plain))).toBeUndefined();
  });
  it.each([
    [stateName, plain],
    ["m.weight.absmax", plain],
    ["m.weight.nested_absmax", double],
    ["m.weight.nested_quant_map", double],
  ])("lack %s", (name, tensors) => {
    const rest = Object.fromEntries(Object.entries(tensors).filter(([other]) => other !== name));
    const lacks = openQuantisation({ ...method, bnb_4bit_quant_type: "nf4" });
    expect(lacks("m.weight", lookupOf(rest))).toEqual({ missing: [name] });
  });
  it.each<[string, object | string]>([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["another type", { ...state, quant_type: "af4" }],
    ["no shape", { ...state, shape: [96] }],
    ["a shape that is no size", { ...state, shape: [96, -1] }],
    ["blocks of no power of two", { ...state, blocksize: 48 }],
    ["nested blocks of nothing", { ...state, ...nested, nested_blocksize: 0 }],
    ["no offset", { ...state, ...nested, nested_offset: null }],
  ])("are refused where the text beside a tensor is or has %s", (_, given) => {
    const text = typeof given === "string" ? given : JSON.stringify(given);
    const tensors: Tensors = { ...double, [stateName]: ["uint8", [1], text] };
    expect(() => find("m.weight", lookupOf(tensors))).toThrow(
      expect.objectContaining({ code: "quantised_tensor", details: expect.objectContaining({ name: stateName }) }),
    );
  });
  it.each<[string, Tensors]>([
    ["m.weight", { ...plain, "m.weight": ["uint8", [2303, 1]] }],
    ["m.weight.absmax", { ...plain, "m.weight.absmax": ["float32", [71]] }],
    ["m.weight.absmax", { ...double, "m.weight.absmax": ["float32", [72]] }],
    ["m.weight.nested_absmax", { ...double, "m.weight.nested_absmax": ["float32", [2]] }],
  ])("are refused where the size of %s is wrong", (name, tensors) => {
    expect(() => find("m.weight", lookupOf(tensors))).toThrow(
      expect.objectContaining({ code: "weight_shape", details: expect.objectContaining({ name }) }),
    );
  });
  it.each([
    ["bnb_4bit_quant_type", "int4"],
    ["bnb_5bit", true],
  ])("are refused for %s = %s", (field, given) => {
    expect(() => openQuantisation({ ...method, [field]: given })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field: `quantization_config.${field}`, given }) }),
    );
  });
});

describe("BitsAndBytesConfig", () => {
  it("has the defaults of transformers, and its JSON", () => {
    expect(new BitsAndBytesConfig({ loadIn4bit: true })).toEqual({
      ...{ loadIn4bit: true, loadIn8bit: false, llmInt8Threshold: 6, llmInt8SkipModules: null },
      ...{
        bnb4bitComputeDtype: "float32",
        bnb4bitQuantType: "fp4",
        bnb4bitUseDoubleQuant: false,
        bnb4bitQuantStorage: "uint8",
      },
    });
    const json = new BitsAndBytesConfig({ loadIn8bit: true, llmInt8SkipModules: ["lm_head"] }).toJSON();
    expect(json).toMatchObject({ quant_method: "bitsandbytes", load_in_8bit: true, llm_int8_skip_modules: ["lm_head"] });
    expect(bitsAndBytesConfigOf(json)).toEqual(new BitsAndBytesConfig({ loadIn8bit: true, llmInt8SkipModules: ["lm_head"] }));
  });
  it.each<[object, string, string]>([
    [{ loadIn4bit: true, loadIn8bit: true }, "conflicting_options", "loadIn8bit"],
    [{ loadIn4bit: 1 }, "invalid_option", "loadIn4bit"],
    [{ bnb4bitQuantType: "int4" }, "invalid_option", "bnb4bitQuantType"],
    [{ bnb4bitComputeDtype: "torch.bfloat16" }, "invalid_option", "bnb4bitComputeDtype"],
    [{ llmInt8Threshold: -1 }, "invalid_option", "llmInt8Threshold"],
    [{ llmInt8SkipModules: "lm_head" }, "invalid_option", "llmInt8SkipModules"],
    [{ llmInt8EnableFp32CpuOffload: true }, "unsupported_option", "llmInt8EnableFp32CpuOffload"],
    [{ llmInt8HasFp16Weight: true }, "unsupported_option", "llmInt8HasFp16Weight"],
    [{ bnb_4bit_quant_type: "nf4" }, "unknown_option", "bnb4bitQuantType"],
    [{ groupSize: 64 }, "unknown_option", "groupSize"],
  ])("refuses %j: %s", (options, code, named) => {
    expect(() => new BitsAndBytesConfig(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(named) }),
    );
  });
  it.each([[{ quant_method: "gptq", bits: 4 }], ["nf4"], [4]])("is not %j", (given) => {
    expect(() => bitsAndBytesConfigOf(given)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });
});
