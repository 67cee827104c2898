import { describe, expect, it } from "vitest";
import { refuseMissing } from "./missing-weights.ts";

const needed = ["model.embed_tokens.weight", "model.norm.weight"];

describe("refuseMissing", () => {
  it.each([
    [needed.map((name) => `_orig_mod.${name}`), "It has them with `_orig_mod.` in their names, which torch.compile writes"],
    [["module.model.norm.weight"], "It has 1 of them with `module.` in their names"],
    [["model._fsdp_wrapped_module.norm.weight"], "FSDP writes: model._fsdp_wrapped_module.norm.weight"],
    [["base_model.model.model.norm.weight"], "PEFT"],
    [["student.backbone.model.norm.weight"], "It has 1 of them under longer names: student.backbone.model.norm.weight"],
    [["model.layers.0.mlp.up_proj.qweight", "model.layers.0.mlp.up_proj.scales"], "tensors of a quantised checkpoint"],
    [["bert.pooler.weight"], "It holds 1 tensors, among them bert.pooler.weight: is config.json of another checkpoint?"],
    [[], "It holds no tensors at all."],
  ])("says of %j what is there", (stored, hint) => {
    expect(() => refuseMissing(needed, stored, "llama")).toThrow(
      expect.objectContaining({ code: "weights_missing", message: expect.stringContaining(hint) }),
    );
    expect(() => refuseMissing(needed, stored, "llama")).toThrow("lacks 2 of the tensors that llama needs: model.embed_tokens");
  });
});
