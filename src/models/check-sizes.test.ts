import { describe, expect, it } from "vitest";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import { buildModel, loadModel } from "./load.ts";

const llama = {
  model_type: "llama",
  ...{ vocab_size: 64, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 4 },
};

function checkpointOf(config: object): CheckpointTensors {
  const named = buildModel(config).weights.flatMap(({ from, shape }) => from.map(({ tensor }) => ({ name: tensor, shape })));
  const tensors = named.map((tensor) => ({ ...tensor, dtype: "float32" as const, bytes: 4 }));
  return { tensors: () => tensors, read: async () => new Uint8Array(1) };
}

describe("numbers of config.json", () => {
  it.each([
    ["num_hidden_layers", 1e5],
    ["num_hidden_layers", 2 ** 31 - 1],
    ["num_hidden_layers", 1e12],
    ["num_attention_heads", 1e8],
    ["num_key_value_heads", 1e9],
    ["head_dim", 1e8],
    ["intermediate_size", 1e9],
    ["hidden_size", 1e9],
    ["vocab_size", 1e9],
    ["max_position_embeddings", 1e12],
    ["num_hidden_layers", -1],
    ["num_hidden_layers", 1.5],
    ["num_hidden_layers", "2"],
    ["num_hidden_layers", Number.NaN],
    ["head_dim", Number.POSITIVE_INFINITY],
    ["head_dim", 1e308],
  ])("%s = %j is refused by its name before anything is built by it", async (field, value) => {
    const refused = loadModel({ ...llama, [field]: value }, checkpointOf(llama));
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^(config_invalid|weight_shape)$/) });
    if (field !== "vocab_size") await expect(refused).rejects.toThrow(field);
  });

  it("says what the checkpoint has", async () => {
    const source = checkpointOf(llama);
    await expect(loadModel({ ...llama, num_hidden_layers: 100_000 }, source)).rejects.toThrow(
      `\`num_hidden_layers\` is wrong: at most ${source.tensors().length}, because the checkpoint has ${source.tensors().length} tensors. Given: 100000.`,
    );
  });

  it("may be larger than the checkpoint where no tensor need be as large", async () => {
    const config = { ...llama, max_position_embeddings: 1_000_000, sliding_window: 1_000_000 };
    expect((await loadModel(config, checkpointOf(llama))).maxPositions).toBe(1_000_000);
  });

  it.each([
    [[[["global"], 1e9]], 2],
    [[[["global", "local"], 5e8]], 1e9],
  ])("attention_types %j of %d layers do not fill memory", (types, layers) => {
    const config = {
      model_type: "gpt_neo",
      vocab_size: 8,
      hidden_size: 8,
      num_heads: 2,
      num_layers: layers,
      attention_types: types,
    };
    expect(() => buildModel({ ...config, num_layers: 2 })).toThrow(expect.objectContaining({ code: "config_unsupported" }));
  });

  it.each([2, -0.5, 1e308])("partial_rotary_factor = %d is refused", (factor) => {
    const config = { ...llama, model_type: "stablelm", partial_rotary_factor: factor };
    expect(() => buildModel(config)).toThrow(/partial_rotary_factor/);
  });
});
