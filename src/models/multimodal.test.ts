import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import type { Model } from "../ops/program.ts";
import { buildModel, loadModel, supportedMultimodalTypes } from "./load.ts";
import { isMultimodal } from "./multimodal.ts";

const sizes = {
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};
const llava = { model_type: "llava", text_config: { model_type: "llama", ...sizes }, vision_config: { hidden_size: 8 } };

const opOf = (model: Model, name: string) => model.programs.decode.ops.find(({ op }) => op === name)!;
const shapeOf = (model: Model, name: string) => model.weights.find((weight) => weight.name === name)?.shape;

/** The tensors of a llama, renamed; `data` of all that are not in it is 0. */
function checkpoint(
  rename: (name: string) => string,
  options: { without?: string; data?: Record<string, number> } = {},
): CheckpointTensors {
  const { without, data = {} } = options;
  const tensors = buildModel({ model_type: "llama", ...sizes })
    .weights.flatMap(({ from, shape }) =>
      from.map(({ tensor }) => ({ name: rename(tensor), shape, dtype: "float32" as const, bytes: 4 })),
    )
    .filter(({ name }) => name !== without);
  const vision = { name: "vision_tower.layers.0.self_attn.q_proj.weight", shape: [8, 8], dtype: "float32" as const, bytes: 4 };
  return { tensors: () => [...tensors, vision], read: async (name) => Uint8Array.of(data[name] ?? 0) };
}

const isTied = (model: Model) => model.weights.some(({ uses }) => uses.includes("gather") && uses.includes("matmul"));
const base = (prefix: string) => (name: string) => name.replace(/^model\./, prefix);

describe("config.json as released", () => {
  it("Gemma 3: what text_config leaves out are its class's defaults", () => {
    const model = buildModel({
      model_type: "gemma3",
      text_config: {
        hidden_size: 2560,
        intermediate_size: 10240,
        model_type: "gemma3_text",
        num_hidden_layers: 34,
        rope_scaling: { factor: 8, rope_type: "linear" },
        sliding_window: 1024,
      },
      vision_config: { hidden_size: 1152 },
    });
    expect(model).toMatchObject({ modelType: "gemma3_text", vocabularySize: 262208, hiddenSize: 2560, maxPositions: 131072 });
    expect(shapeOf(model, "model.layers.0.self_attn.q_proj.weight")).toEqual([2048, 2560]);
    expect(shapeOf(model, "model.layers.33.self_attn.k_proj.weight")).toEqual([1024, 2560]);
  });

  it("LLaVA 1.5: a Llama of its default size", () => {
    const text_config = { model_type: "llama", max_position_embeddings: 4096, rms_norm_eps: 1e-5, vocab_size: 32064 };
    const model = buildModel({ model_type: "llava", text_config, tie_word_embeddings: false });
    expect(model).toMatchObject({ modelType: "llama", vocabularySize: 32064, hiddenSize: 4096, maxPositions: 4096 });
    expect(shapeOf(model, "model.layers.31.mlp.down_proj.weight")).toEqual([4096, 11008]);
    expect(buildModel({ model_type: "llava", text_config: { ...text_config, model_type: undefined } })).toEqual(model);
  });

  it("Qwen2-VL: the text's fields beside vision_config; M-RoPE is RoPE", () => {
    const model = buildModel({
      ...{ model_type: "qwen2_vl", hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28, vocab_size: 151936 },
      ...{ num_attention_heads: 12, num_key_value_heads: 2, max_position_embeddings: 32768, rope_theta: 1000000 },
      ...{ sliding_window: 32768, use_sliding_window: false, tie_word_embeddings: true, rms_norm_eps: 1e-6 },
      rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
      vision_config: { depth: 32, hidden_size: 1536 },
    });
    expect(model).toMatchObject({ modelType: "qwen2", vocabularySize: 151936, hiddenSize: 1536 });
    expect(opOf(model, "rotary").attributes).toEqual(
      opOf(
        buildModel({ ...sizes, model_type: "qwen2", hidden_size: 1536, num_attention_heads: 12, rope_theta: 1000000 }),
        "rotary",
      ).attributes,
    );
    expect(isTied(model)).toBe(true);
  });

  it("quantisation of the whole checkpoint is seen", () => {
    expect(() => buildModel({ ...llava, quantization_config: { quant_method: "hqq" } })).toThrow(
      "`quantization_config.quant_method`",
    );
  });
});

describe("names of tensors", () => {
  it.each<[string, (name: string) => string]>([
    ["under model.language_model", base("model.language_model.")],
    ["a causal model under language_model", (name) => `language_model.${name}`],
    ["under language_model, head outside", base("language_model.")],
    ["under model.text_model", base("model.text_model.")],
    ["a causal model under text_model", (name) => `text_model.${name}`],
    ["a causal model under model.language_model", (name) => `model.language_model.${name}`],
    ["plain", (name) => name],
    ["plain, without the base model's prefix", base("")],
  ])("%s", async (_, rename) => {
    const source = checkpoint(rename);
    for (const config of [llava, { model_type: "llama", ...sizes }]) {
      const model = await loadModel(config, source);
      const bound = model.weights.flatMap(({ from }) => from.map(({ tensor }) => tensor));
      expect(bound.toSorted()).toEqual(
        source
          .tensors()
          .map(({ name }) => name)
          .filter((name) => !name.startsWith("vision"))
          .toSorted(),
      );
    }
  });

  it("says what is missing", async () => {
    const source = checkpoint(base("model.language_model."), { without: "model.language_model.norm.weight" });
    await expect(loadModel(llava, source)).rejects.toMatchObject({
      code: "weights_missing",
      details: { count: 1, names: "model.norm.weight" },
    });
  });
});

describe("a tied head", () => {
  const headless = checkpoint(base("model.language_model."), { without: "lm_head.weight" });
  const different = checkpoint(base("model.language_model."), { data: { "lm_head.weight": 1 } });
  const outer = (tie_word_embeddings: boolean) => ({ ...llava, tie_word_embeddings });
  const inner = (tie_word_embeddings: boolean) => ({ ...llava, text_config: { ...llava.text_config, tie_word_embeddings } });

  it("where either config says so, or neither does and there is no head", async () => {
    for (const config of [outer(true), inner(true), llava, inner(false)]) {
      expect(isTied(await loadModel(config, headless))).toBe(true);
    }
  });

  it("not where the outer config denies it, nor where the head is another matrix", async () => {
    await expect(loadModel(outer(false), headless)).rejects.toThrow("lm_head.weight");
    for (const config of [outer(true), inner(true), llava]) expect(isTied(await loadModel(config, different))).toBe(false);
  });
});

test("docs/generation.md lists what can be loaded", () => {
  const text = readFileSync(new URL("../../docs/generation.md", import.meta.url), "utf8");
  const list = /refused by the pipeline\. `model_type`s: ([^.]*)\./.exec(text)?.[1] ?? "";
  expect(list.split(/,\s+/).toSorted()).toEqual(supportedMultimodalTypes);
});

describe("what cannot be loaded", () => {
  it.each<[object, string]>([
    [
      { model_type: "hunyuan_vl", text_config: { model_type: "hunyuan_vl_text" } },
      "hunyuan_vl (its text part is hunyuan_vl_text)",
    ],
    [{ model_type: "llava", text_config: { model_type: "persimmon" } }, "llava (its text part is persimmon)"],
    [{ model_type: "clip", text_config: { model_type: "clip_text_model" } }, "clip (its text part is clip_text_model)"],
    [{ model_type: "paligemma", text_config: { model_type: "gemma" } }, "paligemma (it reads its prompt in both directions)"],
    [{ model_type: "florence2", text_config: { model_type: "bart" } }, "florence2 (its text part is bart)"],
    [{ model_type: "llava", text_config: { ...llava.text_config, model_type: "t5" } }, "llava (its text part is t5)"],
    [{ model_type: "llava" }, "llava"], // it lacks its text_config
    // names that every object has
    [{ model_type: "constructor" }, "constructor"],
    [{ ...llava, text_config: { ...llava.text_config, model_type: "constructor" } }, "llava (its text part is constructor)"],
  ])("%j", (config, given) => {
    expect(() => buildModel(config)).toThrow(`Model type \`${given}\` is not supported. `);
    expect(isMultimodal(llava)).toBe(true);
    expect(isMultimodal(llava.text_config)).toBe(false);
  });
});
