import { describe, expect, it } from "vitest";
import { refuseUnreadable, selectTextGenerationFiles, selectTokenizerFiles, selectWeightFiles } from "./select-files.ts";

describe("selectTextGenerationFiles", () => {
  it("takes configuration, tokenizer, templates and safetensors, and nothing else", () => {
    const wanted = [
      "config.json",
      "generation_config.json",
      "tokenizer.json",
      "spiece.model",
      "chat_template.jinja",
      "additional_chat_templates/tool_use.jinja",
    ];
    const others = [
      "README.md",
      "pytorch_model.bin",
      "onnx/model.onnx",
      "model.gguf",
      "sub/config.json",
      "original/tokenizer.model",
    ];
    expect(selectTextGenerationFiles([...wanted, ...others, "model.safetensors"])).toEqual([...wanted, "model.safetensors"]);
  });

  it("takes only the tokenizer for a tokenizer", () => {
    const names = ["config.json", "tokenizer.json", "merges.txt", "model.safetensors", "generation_config.json"];
    expect(selectTokenizerFiles(names)).toEqual(["config.json", "tokenizer.json", "merges.txt"]);
  });
});

describe("selectWeightFiles", () => {
  it.each([
    [["model.safetensors.index.json", "model-00001-of-00002.safetensors"], ["model.safetensors.index.json"]],
    [["model.safetensors.index.json", "model.safetensors"], ["model.safetensors"]],
    [["model.safetensors", "consolidated.safetensors"], ["model.safetensors"]],
    [
      ["adapter_model.safetensors", "model.safetensors", "adapter_config.json"],
      ["model.safetensors", "adapter_config.json", "adapter_model.safetensors"],
    ],
    [
      ["adapter_config.json", "adapter_model.safetensors"],
      ["adapter_config.json", "adapter_model.safetensors"],
    ],
    [["weights.safetensors", "adapter_model.safetensors"], []],
    [["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], []],
  ])("of %j takes %j", (names, expected) => {
    expect(selectWeightFiles(names)).toEqual(expected);
  });
});

describe("refuseUnreadable", () => {
  const refuse = (repository: string, names: string[]) => refuseUnreadable({ repository, endpoint: "https://hub" }, names);

  it("says that safetensors are required and how to convert", () => {
    expect(() => refuse("org/old", ["config.json", "pytorch_model.bin"])).toThrow(
      /org\/old.*pytorch_model\.bin.*tsumugi convert org\/old --output/,
    );
    expect(() => refuse("org/gguf", ["model.Q4.gguf"])).toThrow(expect.objectContaining({ code: "safetensors_required" }));
  });

  it.each([
    [["model_index.json", "model.safetensors"], /diffusers/],
    [["README.md"], /there is README\.md/],
    [["transformer/config.json", "model.safetensors"], /there is transformer\/config\.json/],
    [[], /no files at all/],
    [["1", "2", "3", "4", "5", "\x1b[2J6"], /1, 2, 3, 4, 5 and 1 more/],
  ])("says of %j what it may be", (names, message) => {
    expect(() => refuse("org/no-config", names)).toThrow(expect.objectContaining({ code: "model_incomplete" }));
    expect(() => refuse("org/no-config", names)).toThrow(message);
  });

  it("says nothing where there are no weights at all, safetensors too, or an adapter", () => {
    refuse("org/tokenizer", ["config.json", "tokenizer.json", "training_args.bin"]);
    refuse("org/both", ["config.json", "model.safetensors", "pytorch_model.bin"]);
    refuse("org/adapter", ["adapter_config.json", "adapter_model.safetensors"]);
  });
});
