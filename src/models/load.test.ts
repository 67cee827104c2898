import { describe, expect, it } from "vitest";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import type { Model } from "../ops/program.ts";
import { buildModel, loadModel } from "./load.ts";

const llama = {
  model_type: "llama",
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
};
const gpt2 = { model_type: "gpt2", vocab_size: 64, n_embd: 16, n_layer: 2, n_head: 4, n_positions: 32 };

const weight = (model: Model, name: string) => model.weights.find((candidate) => candidate.name === name);
const op = (model: Model, name: string, module: string) =>
  model.programs.decode.ops.find((candidate) => candidate.op === name && candidate.module === module)!;
const rotaryOf = (model: Model) => op(model, "rotary", "model.layers.0.self_attn").attributes;

/** A checkpoint that holds what a model needs, renamed, without some, and with others. */
function checkpointOf(
  model: Model,
  options: {
    rename?: (name: string) => string;
    without?: string[];
    more?: Record<string, number[]>;
    data?: Record<string, number>;
  } = {},
): CheckpointTensors {
  const { rename = (name) => name, without = [], more = {}, data = {} } = options;
  const shapes = new Map<string, readonly number[]>();
  for (const { from, shape } of model.weights) {
    for (const { tensor, slice, transpose } of from) {
      const stored = transpose ? [...shape].reverse() : [...shape];
      if (slice) stored[slice.axis] = stored[slice.axis]! * 3;
      shapes.set(tensor, stored);
    }
  }
  for (const name of without) shapes.delete(name);
  for (const [name, shape] of Object.entries(more)) shapes.set(name, shape);
  const tensors = [...shapes].map(([name, shape]) => ({ name: rename(name), dtype: "float32" as const, shape, bytes: 4 }));
  return { tensors: () => tensors, read: async (name) => Uint8Array.of(data[name] ?? 0) };
}

describe("model_type", () => {
  it.each([
    [{ model_type: "bert" }, "`bert`"],
    [{}, "config.json needs `model_type`"],
    [null, "config.json needs `model_type`"],
    ["llama", "config.json needs `model_type`"],
    [{ architectures: ["Qwen2ForCausalLM"] }, '`architectures` says Qwen2ForCausalLM, so it may be "qwen2"'],
    [{ architectures: ["GPT2LMHeadModel"] }, 'it may be "gpt2"'],
    [{ model_type: "lama" }, "The nearest name is `llama`"],
    [{ model_type: "qwen2-moe" }, "The nearest name is `qwen2_moe`"],
    [{ model_type: "gemma3_txt" }, "The nearest name is `gemma3_text`"],
    [
      { model_type: "foo", auto_map: { AutoModelForCausalLM: "modeling_foo.FooLM" } },
      "(modeling_foo.FooLM), and remote code is never run",
    ],
    [{ model_type: "foo", auto_map: { AutoTokenizer: ["tokenization_foo.Foo", null] } }, "(tokenization_foo.Foo)"],
  ])("refuses %j and says what may help", (config, hint) => {
    expect(() => buildModel(config)).toThrow(expect.objectContaining({ code: "model_unsupported" }));
    expect(() => buildModel(config)).toThrow(hint);
    expect(() => buildModel(config)).toThrow("docs/architectures.md");
  });

  it("keeps its messages short", () => {
    const type = "x".repeat(5000);
    expect(() => buildModel({ model_type: type })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,300}$/) }),
    );
  });
});

describe("config.json", () => {
  it.each<[string, object, string]>([
    ["a missing field", { hidden_size: undefined }, "hidden_size"],
    ["a wrong type", { vocab_size: "64" }, "vocab_size"],
    ["an unknown activation", { hidden_act: "swiglu" }, "hidden_act"],
    [
      "key/value heads that do not divide the heads",
      { num_key_value_heads: 3, head_dim: 4 },
      "num_attention_heads / num_key_value_heads / head_dim",
    ],
    ["heads of odd width", { head_dim: 5 }, "num_attention_heads / num_key_value_heads / head_dim"],
    ["a rope without its factor", { rope_scaling: { type: "linear" } }, "rope_scaling.factor"],
  ])("names the field of %s", (_, change, field) => {
    expect(() => buildModel({ ...llama, ...change })).toThrow(
      expect.objectContaining({ code: "config_invalid", details: expect.objectContaining({ field }) }),
    );
  });

  it.each<[string, object, string]>([
    ["other ropes", { rope_scaling: { rope_type: "axial", factor: 2 } }, "rope_scaling.rope_type"],
    [
      "rotary parameters by layer type",
      { rope_parameters: { full_attention: { rope_type: "default" } } },
      "rope_parameters.full_attention",
    ],
    ["quantised checkpoints", { quantization_config: { quant_method: "hqq" } }, "quantization_config.quant_method"],
  ])("refuses %s by name", (_, change, field) => {
    expect(() => buildModel({ ...llama, ...change })).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });

  it("reads keys of transformers 4 and 5 alike", () => {
    const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 };
    const four = buildModel({
      ...llama,
      rope_theta: 500000,
      rope_scaling: { rope_type: "llama3", ...scaling },
      torch_dtype: "bfloat16",
    });
    const older = buildModel({ ...llama, rope_theta: 500000, rope_scaling: { type: "llama3", ...scaling } });
    const five = buildModel({
      ...llama,
      rope_parameters: { rope_type: "llama3", rope_theta: 500000, ...scaling },
      dtype: "bfloat16",
    });
    expect(four).toEqual(five);
    expect(older).toEqual(five);
    expect(buildModel({ ...llama, rope_scaling: null })).toEqual(buildModel(llama));
    expect(
      buildModel({ ...llama, rope_scaling: {}, rope_parameters: { rope_type: "llama3", rope_theta: 500000, ...scaling } }),
    ).toEqual(five);
    expect(five).not.toEqual(buildModel(llama));
  });

  it("gives yarn its attention factor", () => {
    const yarn = (more: object) =>
      rotaryOf(buildModel({ ...llama, rope_scaling: { rope_type: "yarn", factor: 4, ...more } })).scaling;
    expect(yarn({})).toBeCloseTo(0.1 * Math.log(4) + 1, 12);
    expect(yarn({ attention_factor: 0.5 })).toBe(0.5);
    expect(yarn({ mscale: 1, mscale_all_dim: 0.8 })).toBeCloseTo((0.1 * Math.log(4) + 1) / (0.08 * Math.log(4) + 1), 12);
  });

  it("reads every name of an activation function", () => {
    const kind = (hidden_act: string) =>
      op(buildModel({ ...llama, hidden_act }), "gated_activation", "model.layers.0.mlp").attributes.kind;
    expect(["silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu2"].map(kind)).toEqual([
      "silu",
      "silu",
      "gelu",
      "gelu_new",
      "gelu_tanh",
      "quick_gelu",
      "relu2",
    ]);
  });
});

describe("llama", () => {
  it("takes head_dim, biases and tying from the config", () => {
    const model = buildModel({ ...llama, head_dim: 8, attention_bias: true, mlp_bias: true, tie_word_embeddings: true });
    expect(weight(model, "model.layers.0.self_attn.q_proj.weight")!.shape).toEqual([32, 16]);
    expect(weight(model, "model.layers.0.self_attn.o_proj.bias")!.shape).toEqual([16]);
    expect(weight(model, "model.layers.1.mlp.up_proj.bias")!.shape).toEqual([24]);
    expect(weight(model, "model.embed_tokens.weight")!.uses).toEqual(["gather", "matmul"]);
    expect(weight(model, "lm_head.weight")).toBeUndefined();
    expect(model.states).toEqual([expect.objectContaining({ name: "cache", kind: "paged" })]);
    expect(model.states[0]!.parts).toHaveLength(4);
    expect(model.states[0]!.parts[0]!.shape).toEqual([2, 8]);
  });

  it("has plain heads and no biases by default", () => {
    const model = buildModel({ ...llama, num_key_value_heads: null });
    expect(weight(model, "model.layers.0.self_attn.k_proj.weight")!.shape).toEqual([16, 16]);
    expect(model.weights.some(({ name }) => name.endsWith("bias"))).toBe(false);
    expect(weight(model, "lm_head.weight")!.uses).toEqual(["matmul"]);
    const { values, outputs } = model.programs.decode;
    expect(values[outputs.logits]).toEqual({ shape: ["R", 64], type: "float32" });
    expect(values[outputs.hidden]).toEqual({ shape: ["T", 16], type: "activation" });
  });
});

describe("windows", () => {
  const windows = (config: object) =>
    buildModel({ ...llama, ...config }).states.map(({ window, parts }) => [window, parts.length]);
  it("mistral: absent is 4096, null is none", () => {
    expect(windows({ model_type: "mistral" })).toEqual([[4096, 4]]);
    expect(windows({ model_type: "mistral", sliding_window: null })).toEqual([[undefined, 4]]);
    expect(windows({ model_type: "mistral", sliding_window: 8 })).toEqual([[8, 4]]);
  });
  it.each(["qwen2", "qwen3"])("%s: only with use_sliding_window, by layer_types or from max_window_layers on", (model_type) => {
    expect(windows({ model_type, sliding_window: 8, max_window_layers: 1 })).toEqual([[undefined, 4]]);
    expect(windows({ model_type, use_sliding_window: true, sliding_window: 8, max_window_layers: 1 })).toEqual([
      [undefined, 2],
      [8, 2],
    ]);
    const layer_types = ["sliding_attention", "full_attention"];
    expect(windows({ model_type, use_sliding_window: true, sliding_window: 8, layer_types })).toEqual([
      [8, 2],
      [undefined, 2],
    ]);
    expect(() => windows({ model_type, layer_types: ["chunked_attention", "full_attention"] })).toThrow("chunked_attention");
    expect(() => windows({ model_type, layer_types: ["full_attention"] })).toThrow("layer_types");
  });
});

describe("gpt2", () => {
  it("is bounded, tied, and reads slices of transposed tensors", () => {
    const model = buildModel(gpt2);
    expect(model.positionsAreBounded).toBe(true);
    expect(model.maxPositions).toBe(32);
    expect(weight(model, "transformer.wte.weight")!.uses).toEqual(["gather", "matmul"]);
    expect(weight(model, "transformer.h.0.attn.c_attn.key.weight")!.from).toEqual([
      { tensor: "transformer.h.0.attn.c_attn.weight", slice: { axis: 1, start: 16, end: 32 }, transpose: true },
    ]);
    expect(weight(model, "transformer.h.0.mlp.c_fc.weight")!.shape).toEqual([64, 16]);
  });
  it("scales attention by layer on demand", () => {
    const scales = (more: object) =>
      buildModel({ ...gpt2, ...more }).programs.decode.ops.flatMap(({ op: name, attributes }) =>
        name === "attend" ? [attributes.scale] : [],
      );
    expect(scales({})).toEqual([0.5, 0.5]);
    expect(scales({ scale_attn_by_inverse_layer_idx: true })).toEqual([0.5, 0.25]);
    expect(scales({ scale_attn_weights: false })).toEqual([1, 1]);
  });
  it("refuses cross attention and heads that do not divide", () => {
    expect(() => buildModel({ ...gpt2, add_cross_attention: true })).toThrow("add_cross_attention");
    expect(() => buildModel({ ...gpt2, n_head: 3 })).toThrow("n_head");
  });
});

describe("loadModel", () => {
  const model = buildModel(llama);

  it("finds tensors with and without the prefix", async () => {
    expect(await loadModel(llama, checkpointOf(model))).toEqual(model);
    const bare = await loadModel(llama, checkpointOf(model, { rename: (name) => name.replace(/^model\./, "") }));
    expect(weight(bare, "model.norm.weight")!.from).toEqual([{ tensor: "norm.weight" }]);
    const old = await loadModel(gpt2, checkpointOf(buildModel(gpt2), { rename: (name) => name.replace(/^transformer\./, "") }));
    expect(weight(old, "transformer.wte.weight")!.from).toEqual([{ tensor: "wte.weight" }]);
  });

  it("names what is missing, and ignores what is not needed", async () => {
    await expect(
      loadModel(llama, checkpointOf(model, { without: ["model.norm.weight", "lm_head.weight"] })),
    ).rejects.toMatchObject({
      code: "weights_missing",
      details: { count: 2, names: "model.norm.weight, lm_head.weight" },
    });
    const more = { "model.layers.0.self_attn.rotary_emb.inv_freq": [2] };
    expect(await loadModel(llama, checkpointOf(model, { more }))).toEqual(model);
  });

  it("names a tensor of another shape", async () => {
    const wrong = checkpointOf(model, { more: { "model.layers.1.mlp.up_proj.weight": [24, 17] } });
    await expect(loadModel(llama, wrong)).rejects.toThrow(
      "Weight model.layers.1.mlp.up_proj.weight must have shape [24, 16]. The checkpoint has model.layers.1.mlp.up_proj.weight [24, 17].",
    );
    const short = checkpointOf(buildModel(gpt2), { more: { "transformer.h.0.attn.c_attn.weight": [16, 40] } });
    await expect(loadModel(gpt2, short)).rejects.toMatchObject({ code: "weight_shape" });
    const turned = checkpointOf(buildModel(gpt2), { more: { "transformer.h.0.mlp.c_fc.weight": [64, 16] } });
    await expect(loadModel(gpt2, turned)).rejects.toMatchObject({ code: "weight_shape" });
  });

  describe("ties as transformers does", () => {
    const config = { ...llama, tie_word_embeddings: true };
    const embedding = { name: "model.embed_tokens.weight", uses: ["gather", "matmul"] };
    it.each<[string, Parameters<typeof checkpointOf>[1], object[]]>([
      ["the embedding alone", { without: ["lm_head.weight"] }, [{ ...embedding, from: [{ tensor: embedding.name }] }]],
      ["the head alone", { without: [embedding.name] }, [{ ...embedding, from: [{ tensor: "lm_head.weight" }] }]],
      ["both, equal", {}, [{ ...embedding, from: [{ tensor: embedding.name }] }]],
      [
        "both, different",
        { data: { "lm_head.weight": 1 } },
        [
          { name: embedding.name, uses: ["gather"] },
          { name: "lm_head.weight", uses: ["matmul"] },
        ],
      ],
    ])("with %s", async (_, options, want) => {
      const loaded = await loadModel(config, checkpointOf(model, options));
      const names = ["model.embed_tokens.weight", "lm_head.weight"];
      expect(loaded.weights.filter(({ name }) => names.includes(name))).toEqual(
        want.map((entry) => expect.objectContaining(entry)),
      );
    });
  });
});
