import { describe, expect, it } from "vitest";
import { pythonPattern } from "../../util/python-pattern.ts";
import { readLoraConfig } from "./adapter-config.ts";

const read = (config: object) => readLoraConfig({ peft_type: "LORA", ...config }, "here", "lm_head");
const q = "model.layers.1.self_attn.q_proj";
const expert = "model.layers.1.mlp.experts.0.up_proj";

describe("target_modules", () => {
  it.each<[object, string, boolean]>([
    [{ target_modules: ["q_proj"] }, q, true],
    [{ target_modules: ["proj"] }, q, false],
    [{ target_modules: ["layers.1.self_attn.q_proj"] }, q, true],
    [{ target_modules: "q_proj" }, q, false],
    [{ target_modules: ".*q_proj" }, q, true],
    [{ target_modules: "(?i).*Q_PROJ" }, q, true],
    [{ target_modules: ".*(?P<kind>q|k)_proj" }, q, true],
    [{ target_modules: "all-linear" }, q, true],
    [{ target_modules: "ALL-LINEAR" }, "lm_head", false],
    [{}, q, true],
    [{ target_modules: ["q_proj"], exclude_modules: ["layers.1.self_attn.q_proj"] }, q, false],
    [{ target_modules: ["q_proj"], exclude_modules: ".*\\.1\\..*" }, q, false],
    [{ target_modules: ["q_proj"], modules_to_save: ["self_attn"] }, q, false],
    [{ target_modules: ["q_proj"], layers_to_transform: [0, 1] }, q, true],
    [{ target_modules: ["q_proj"], layers_to_transform: 0 }, q, false],
    [{ target_modules: ["q_proj"], layers_to_transform: [] }, q, true],
    [{ target_modules: ["q_proj"], layers_to_transform: [1], layers_pattern: "layers" }, q, true],
    [{ target_modules: ["q_proj"], layers_to_transform: [1], layers_pattern: ["h", "blocks"] }, q, false],
    [{ target_modules: ["q_proj"], layers_to_transform: [1] }, "q_proj", true],
    [{ target_modules: ["up_proj"], layers_to_transform: [1] }, expert, true],
    [{ target_modules: ["up_proj"], layers_to_transform: [0] }, expert, false],
    [{ target_modules: [q], layers_to_transform: [0] }, q, true],
    [{ target_parameters: ["mlp.gate.weight"] }, "model.layers.0.mlp.gate", true],
    [{ target_parameters: ["mlp.gate.weight"] }, q, false],
  ])("%j names %s: %s", (config, module, isTarget) => {
    expect(read(config).targets(module)).toBe(isTarget);
  });
});

describe("rank and factor", () => {
  it("are of the first pattern that ends a module's name, else of all", () => {
    const config = read({
      ...{ r: 8, lora_alpha: 16, target_modules: ["q_proj"] },
      ...{ rank_pattern: { q_proj: 4, ".*": 2 }, alpha_pattern: { "^model\\.layers\\.1\\..*": 3 } },
    });
    expect([config.rankOf(q), config.rankOf("model.x")]).toEqual([4, 2]);
    expect([config.scaleOf(q), config.scaleOf("model.x")]).toEqual([0.75, 8]);
    expect(read({ r: 16, use_rslora: true }).scaleOf(q)).toBe(2);
    expect([read({}).rankOf(q), read({}).scaleOf(q)]).toEqual([8, 1]);
  });
});

describe("pythonPattern", () => {
  it.each([
    "(a+)+",
    "(?:a*)*b",
    "(x(a|b+)y)*",
    "((a)+){2,}",
    "(a+){1,}",
    "(a|a)+b",
    "(ab|a|b)*c",
    "(a?b|b)+c",
    "(|a)+b",
    "(.|a)+b",
    ".*".repeat(7),
  ])("does not take %s, which may take for ever", (source) => {
    expect(pythonPattern(source)).toBeUndefined();
  });
  it.each([
    "(?:.*?(?:self_attn|mlp).*?(?:q_proj|k_proj).*?)",
    "(a|b)+",
    "(?:q_proj|k_proj)+",
    "[(+]+",
    "\\(a+\\)+",
    "(a+)?",
    "(a+){2}",
  ])("takes %s", (source) => {
    expect(pythonPattern(source)).toBeInstanceOf(RegExp);
  });
});
