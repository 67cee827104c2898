import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultSkips, linearWeights, skipRule } from "./linear-modules.ts";
import { buildModel } from "./load.ts";

const model = (name: string, changes: object = {}) => {
  const file = new URL(`../../test/fixtures/models/${name}/config.json`, import.meta.url);
  return buildModel({ ...JSON.parse(readFileSync(file, "utf8")), ...changes });
};
const modules = (name: string, changes?: object) => [
  ...new Set(linearWeights(model(name, changes)).map(({ module }) => module)),
];

describe("what is a linear module in transformers", () => {
  it("is every projection, and the head where it is not tied", () => {
    expect(modules("llama", { num_hidden_layers: 1, tie_word_embeddings: false })).toEqual([
      ...["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `model.layers.0.self_attn.${name}`),
      ...["gate_proj", "up_proj", "down_proj"].map((name) => `model.layers.0.mlp.${name}`),
      "lm_head",
    ]);
    expect(modules("llama", { num_hidden_layers: 1, tie_word_embeddings: true })).not.toContain("lm_head");
  });
  it("is a Conv1D, whose matrix is stored [inputs, outputs]", () => {
    const { length } = linearWeights(model("gpt2")).filter(({ inputsFirst }) => inputsFirst);
    expect(length).toBeGreaterThan(0);
    expect(linearWeights(model("llama")).some(({ inputsFirst }) => inputsFirst)).toBe(false);
  });
  it("is no expert and no router", () => {
    for (const name of modules("mixtral")) expect(name).toMatch(/self_attn|lm_head/);
  });
});

describe("skip lists", () => {
  const llama = model("llama");
  const skips = (list: string[], module: string) => {
    const rule = skipRule(llama, list);
    return "skips" in rule && rule.skips(module);
  };
  it("have the head, and the embedding that it may be tied to, by default", () => {
    expect(defaultSkips(llama)).toEqual(["lm_head", "model.embed_tokens"]);
  });
  it.each([
    [["o_proj"], "model.layers.0.self_attn.o_proj", true],
    [["mlp"], "model.layers.0.mlp.up_proj", false],
    [["model.layers.1"], "model.layers.10.mlp.up_proj", true],
    [["model\\.layers\\.\\d+\\.mlp"], "model.layers.3.mlp.up_proj", true],
    [[], "lm_head", false],
  ])("%j of %s: %s", (list, module, expected) => {
    expect(skips(list, module)).toBe(expected);
  });
  it("refuse what cannot be matched in bounded time", () => {
    expect(skipRule(llama, ["(a+)+$"])).toEqual({ refused: "(a+)+$" });
  });
});
