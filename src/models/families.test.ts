import { describe, expect, it } from "vitest";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import type { Model } from "../ops/program.ts";
import { buildModel, loadModel } from "./load.ts";

const sizes = {
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
};
const falcon = { ...sizes, model_type: "falcon" };
const gemma2 = { ...sizes, model_type: "gemma2" };
const gemma3 = { ...sizes, model_type: "gemma3_text" };
const phi3 = { ...sizes, model_type: "phi3", rope_theta: 500 };
const short_factor = [1, 1.5];
const long_factor = [2, 4];

const opsOf = (model: Model, name: string) => model.programs.decode.ops.filter(({ op }) => op === name);
const windows = (config: object) => opsOf(buildModel(config), "attend").map(({ attributes }) => attributes.window);
const turned = (config: object) => {
  const modules = new Set(opsOf(buildModel(config), "rotary").map(({ module }) => module));
  return Array.from({ length: sizes.num_hidden_layers }, (_, layer) => modules.has(`model.layers.${layer}.self_attn`));
};

describe("what cannot be done is refused by name", () => {
  it.each<[string, object, string]>([
    ["an encoder's attention", { ...gemma2, use_bidirectional_attention: true }, "use_bidirectional_attention"],
    ["Falcon's new layers in turn", { ...falcon, new_decoder_architecture: true, parallel_attn: false }, "parallel_attn"],
    ["two norms in old layers", { ...falcon, num_ln_in_parallel_attn: 2 }, "num_ln_in_parallel_attn"],
    ["windows of no size", { ...gemma2, sliding_window: null }, "sliding_window"],
    ["an unknown type of layer", { ...gemma2, layer_types: ["full_attention", "a", "b", "c"] }, "layer_types.1"],
    ["layer types for other layers", { ...gemma2, layer_types: ["full_attention"] }, "layer_types"],
    ["layers left over", { ...sizes, model_type: "gpt_neo", num_layers: 3, num_heads: 4 }, "attention_types"],
    ["a rotation of no part", { model_type: "gptj", vocab_size: 9, n_embd: 8, n_layer: 1, n_head: 2 }, "rotary_dim"],
    ["heads of no whole width", { ...sizes, model_type: "gpt_neox", num_attention_heads: 3 }, "num_attention_heads"],
  ])("%s", (_, config, field) => {
    expect(() => buildModel(config)).toThrow(
      expect.objectContaining({ code: "config_unsupported", details: expect.objectContaining({ field }) }),
    );
  });
});

describe("windows and positions of layers", () => {
  it("alternate in Gemma 2, or are as layer_types says", () => {
    expect(windows({ ...gemma2, sliding_window: 9 })).toEqual([9, undefined, 9, undefined]);
    const layer_types = ["full_attention", "full_attention", "sliding_attention", "full_attention"];
    expect(windows({ ...gemma2, layer_types })).toEqual([undefined, undefined, 4096, undefined]);
  });
  it("follow a pattern in Gemma 3, Cohere 2 and EXAONE 4", () => {
    expect(windows({ ...gemma3, sliding_window: 9, sliding_window_pattern: 3 })).toEqual([9, 9, undefined, 9]);
    const cohere2 = { ...sizes, model_type: "cohere2", sliding_window: 9, sliding_window_pattern: 2 };
    expect(windows(cohere2)).toEqual([9, undefined, 9, undefined]);
    expect(turned(cohere2)).toEqual([true, false, true, false]);
    const exaone4 = { ...sizes, model_type: "exaone4" };
    expect(windows({ ...exaone4, sliding_window_pattern: "LLG" })).toEqual([4096, 4096, undefined, 4096]);
    expect(turned({ ...exaone4, sliding_window_pattern: "LLG" })).toEqual([true, true, false, true]);
    expect(turned({ ...exaone4, sliding_window: null })).toEqual([true, true, true, true]);
  });
  it("come without rotation in every fourth layer of SmolLM3", () => {
    const smollm3 = { ...sizes, model_type: "smollm3" };
    expect(turned(smollm3)).toEqual([true, true, true, false]);
    expect(turned({ ...smollm3, no_rope_layers: [0, 1, 1, 1] })).toEqual([false, true, true, true]);
    expect(windows({ ...smollm3, use_sliding_window: true, sliding_window: 9 })).toEqual([undefined, undefined, undefined, 9]);
  });
});

describe("keys of transformers 4", () => {
  it("give Gemma 3 two rotary bases, and scaling for full attention alone", () => {
    const scaling = { rope_type: "linear", factor: 8 };
    const four = { ...gemma3, rope_theta: 50000, rope_local_base_freq: 300, rope_scaling: scaling };
    const five = {
      ...gemma3,
      rope_parameters: {
        full_attention: { ...scaling, rope_theta: 50000 },
        sliding_attention: { rope_type: "default", rope_theta: 300 },
      },
    };
    expect(buildModel(four)).toEqual(buildModel(five));
    expect(buildModel(four)).not.toEqual(buildModel({ ...four, rope_local_base_freq: 10000 }));
    expect(buildModel({ ...gemma3, rope_theta: 1e6, rope_local_base_freq: 10000 })).toEqual(buildModel(gemma3));
  });
  it("give GPT-NeoX its base and its part", () => {
    const neox = { ...sizes, model_type: "gpt_neox", hidden_size: 32 };
    const five = { rope_parameters: { rope_type: "default", rope_theta: 500, partial_rotary_factor: 0.5 } };
    expect(buildModel({ ...neox, rotary_emb_base: 500, rotary_pct: 0.5 })).toEqual(buildModel({ ...neox, ...five }));
    expect(opsOf(buildModel(neox), "rotary")[0]!.attributes.rotaryDim).toBe(2);
    expect(buildModel({ ...neox, rope_theta: 500, partial_rotary_factor: 0.5 })).toEqual(buildModel(neox));
  });
  it("turn whole heads where transformers reads no part, and refuse one in what else would cut them", () => {
    const llama = { ...sizes, model_type: "llama", hidden_size: 32 };
    for (const part of [{ partial_rotary_factor: 0.5 }, { rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } }]) {
      expect(buildModel({ ...llama, ...part })).toEqual(buildModel(llama));
    }
    const linear = { rope_scaling: { type: "linear", factor: 2, partial_rotary_factor: 0.5 } };
    expect(() => buildModel({ ...llama, ...linear })).toThrow("rope_scaling.partial_rotary_factor");
  });
  it("turn an even part of a head where the part is cut off first", () => {
    for (const model_type of ["phi", "stablelm"]) {
      const odd = { ...sizes, model_type, hidden_size: 48, num_attention_heads: 4, num_key_value_heads: 4 };
      expect(() => buildModel({ ...odd, partial_rotary_factor: 0.25 })).toThrow("an even part of 12");
      expect(opsOf(buildModel({ ...odd, partial_rotary_factor: 0.5 }), "rotary")[0]!.attributes.rotaryDim).toBe(6);
    }
  });
  it("leave heads alone of which no whole value turns", () => {
    const neox = { ...sizes, model_type: "gpt_neox", hidden_size: 32, num_attention_heads: 16, rotary_pct: 0.25 };
    expect(opsOf(buildModel(neox), "rotary")).toEqual([]);
  });
  it("give longrope its earlier names, and its attention factor", () => {
    const four = (type: string) => ({
      ...phi3,
      original_max_position_embeddings: 32,
      rope_scaling: { type, short_factor, long_factor },
    });
    const rope_parameters = { rope_type: "longrope", rope_theta: 500, short_factor, long_factor };
    const five = { ...phi3, original_max_position_embeddings: 32, rope_parameters };
    expect(buildModel(four("su"))).toEqual(buildModel(five));
    expect(buildModel(four("longrope"))).toEqual(buildModel(five));
    const model = buildModel(five);
    expect(model.rotarySwitch).toBe(32);
    expect(opsOf(model, "rotary")[0]!.attributes.scaling).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(32)), 12);
    expect(buildModel(phi3)).not.toHaveProperty("rotarySwitch");
  });
  it("name what longrope lacks", () => {
    const config = { ...phi3, rope_scaling: { type: "longrope", short_factor } };
    expect(() => buildModel(config)).toThrow("rope_scaling.long_factor");
  });
});

describe("other names of fields", () => {
  it("are read where transformers maps them", () => {
    const [width, heads, layers] = [16, 4, 2];
    const general = { vocab_size: 64, hidden_size: width, num_attention_heads: heads, num_hidden_layers: layers };
    const own = { vocab_size: 64, n_embd: width, n_head: heads, n_layer: layers, rotary_dim: 4 };
    for (const model_type of ["gptj", "gpt_bigcode", "gpt2"]) {
      const named = buildModel({ ...general, model_type, rotary_dim: 4, max_position_embeddings: 99 });
      expect(named).toEqual(buildModel({ ...own, model_type, n_positions: 99 }));
    }
    const { hidden_size, ...rest } = falcon;
    expect(buildModel({ ...rest, n_embed: hidden_size })).toEqual(buildModel(falcon));
  });
});

describe("older tensor names", () => {
  it("are found for GPT-NeoX's head", async () => {
    const config = { ...sizes, model_type: "gpt_neox" };
    const model = buildModel(config);
    const tensors = model.weights.flatMap(({ from, shape }) =>
      from.map(({ tensor, slice }) => ({
        name: tensor.replace(/^lm_head\./, "embed_out."),
        dtype: "float32" as const,
        shape: slice ? [48, ...shape.slice(1)] : shape,
        bytes: 4,
      })),
    );
    const source: CheckpointTensors = { tensors: () => tensors, read: async () => new Uint8Array() };
    const loaded = await loadModel(config, source);
    expect(loaded.weights.find(({ name }) => name === "lm_head.weight")!.from).toEqual([{ tensor: "embed_out.weight" }]);
  });
});

describe("null in config.json", () => {
  const sizes = { vocab_size: 64, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 4 };
  it("is off for switches that are on by default, as Python takes None for false", () => {
    const falcon = { ...sizes, model_type: "falcon" };
    const shapeOf = (config: object) => buildModel(config).weights.map(({ name, shape }) => `${name} ${shape}`);
    expect(shapeOf({ ...falcon, multi_query: null })).toEqual(shapeOf({ ...falcon, multi_query: false }));
    expect(shapeOf({ ...falcon, multi_query: null })).not.toEqual(shapeOf(falcon));
    expect(shapeOf({ ...falcon, parallel_attn: null })).toEqual(shapeOf({ ...falcon, parallel_attn: false }));
  });
  it("is the usual scale for granitemoe's attention_multiplier", () => {
    const moe = { ...sizes, model_type: "granitemoe", intermediate_size: 24, num_local_experts: 4, num_experts_per_tok: 2 };
    const scaleOf = (config: object) =>
      buildModel(config).programs.decode.ops.find(({ op }) => op === "attend")!.attributes.scale;
    expect([scaleOf({ ...moe, attention_multiplier: null }), scaleOf(moe)]).toEqual([0.5, 1]);
  });
});
