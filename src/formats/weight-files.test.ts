import { describe, expect, it } from "vitest";
import { describeOtherWeights, findWeightFiles } from "./weight-files.ts";

describe("findWeightFiles", () => {
  it("prefers one file to an index, in any order of names", () => {
    const names = ["model.safetensors.index.json", "a.safetensors", "model.safetensors"];
    expect(findWeightFiles(names)).toEqual({ weights: "model.safetensors", adapter: [] });
    expect(findWeightFiles(names.slice(0, 2))).toEqual({ weights: "model.safetensors.index.json", adapter: [] });
    expect(findWeightFiles(["a.safetensors", "sub/model.safetensors"])).toEqual({ adapter: [] });
  });

  it("finds an adapter by its configuration", () => {
    const both = ["adapter_model.safetensors", "adapter_config.json"];
    expect(findWeightFiles(both).adapter).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect(findWeightFiles(both.slice(1)).adapter).toEqual(["adapter_config.json"]);
    expect(findWeightFiles(both.slice(0, 1)).adapter).toEqual([]);
  });
});

describe("describeOtherWeights", () => {
  it.each([
    [["model-00001-of-00002.safetensors", "consolidated.safetensors"], "without their index", "model.safetensors.index.json"],
    [["model.fp16.safetensors"], "a variant", "Rename it"],
    [["model.fp16-00001-of-00002.safetensors", "model.safetensors.index.fp16.json"], "a variant", "Rename it"],
    [["consolidated.safetensors", "params.json"], "layout of the model's authors", "layout of transformers"],
    [["original/consolidated.00.pth", "original/params.json"], "layout of the model's authors", "layout of transformers"],
    [
      ["pytorch_model.bin", "training_args.bin"],
      "There is pytorch_model.bin (PyTorch pickle)",
      "tsumugi convert here --output",
    ],
    [["model.Q4_K_M.gguf"], "GGUF", "`ggufFile`"],
    [["onnx/model.onnx", "onnx/model.onnx_data"], "ONNX", "layout of transformers"],
    [["tf_model.h5"], "another library", "safetensors"],
    [["checkpoint-500/model.safetensors"], "in a folder inside", "Give the path of that folder"],
    [["weights.safetensors"], "of another name", "rename it to model.safetensors"],
    [["adapter_model.safetensors"], "an adapter without", "adapter_config.json"],
  ])("says of %j what it is and what to do", (names, kind, advice) => {
    const text = describeOtherWeights(["config.json", ...names], "here");
    expect(text).toContain(kind);
    expect(text).toContain(advice);
  });

  it("says nothing of files that are no weights", () => {
    expect(describeOtherWeights(["config.json", "training_args.bin", "checkpoint/optimizer.pt"], "here")).toBeUndefined();
  });

  it("names three files and counts the others", () => {
    const names = Array.from({ length: 9 }, (_, index) => `model-0000${index + 1}-of-00009.safetensors`);
    expect(describeOtherWeights(names, "here")).toContain("model-00003-of-00009.safetensors and 6 more");
  });
});
