import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { DType } from "../tensor/dtype.ts";
import { chooseDtype } from "./choose-dtype.ts";
import { checkModelOptions } from "./load-options.ts";

const checkpointOf = (dtypes: DType[], declaredDtype?: string): Checkpoint => ({
  ...(declaredDtype !== undefined && { declaredDtype }),
  tensors: () => dtypes.map((dtype, index) => ({ name: `t${index}`, dtype, shape: [1], bytes: 1 })),
  locate: () => new Uint8Array(),
  read: async () => new Uint8Array(),
  close: async () => {},
});

describe('dtype "auto"', () => {
  const none = checkpointOf([]);
  it.each<[object, Checkpoint, string]>([
    [{ dtype: "bfloat16" }, none, "bfloat16"],
    [{ dtype: "half" }, none, "float16"],
    [{ dtype: "double" }, none, "float32"],
    [{ torch_dtype: "float16" }, none, "float16"],
    [{ dtype: null, torch_dtype: "bfloat16" }, none, "bfloat16"],
    [{ dtype: "float32", torch_dtype: "bfloat16" }, checkpointOf(["bfloat16"]), "float32"],
    [{ text_config: { dtype: "float32" } }, checkpointOf(["bfloat16", "float32"]), "bfloat16"],
    [{}, checkpointOf(["int64", "float8_e4m3fn", "float16", "float32"]), "float16"],
    [{}, checkpointOf(["float64", "bfloat16"]), "float32"],
    [{}, checkpointOf(["float32"], "bfloat16"), "bfloat16"],
    [{}, checkpointOf(["float8_e5m2"]), "float32"],
    [{}, none, "float32"],
  ])("of %j is the type that transformers finds", (config, checkpoint, expected) => {
    expect(chooseDtype("auto", config as Record<string, unknown>, checkpoint)).toBe(expected);
  });

  it("refuses what is no name of a type, and says the right one", () => {
    expect(() => chooseDtype("auto", { dtype: "fp16" }, none)).toThrow(/`dtype` is wrong.*\(write float16\).*Given: fp16/);
    expect(() => chooseDtype("auto", { torch_dtype: "torch.bfloat16" }, none)).toThrow(/`torch_dtype`.*\(write bfloat16\)/);
    for (const dtype of ["int8", "auto", "", 5, "constructor"]) {
      expect(() => chooseDtype("auto", { dtype }, none)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    }
    expect(chooseDtype("float32", { dtype: "fp16" }, none)).toBe("float32");
  });
});

describe("the option `dtype`", () => {
  it.each([
    ["fp16", "float16"],
    ["half", "float16"],
    ["bf16", "bfloat16"],
    ["torch.float16", "float16"],
    ["Float32", "float32"],
  ])("%s is answered with %s", (dtype, ours) => {
    expect(() => checkModelOptions({ dtype } as object)).toThrow(`Option \`dtype\` must be "${ours}". Given: "${dtype}".`);
  });
  it("has no other values", () => {
    expect(() => checkModelOptions({ dtype: "int2" } as object)).toThrow('one of "auto", "float32"');
  });
});
