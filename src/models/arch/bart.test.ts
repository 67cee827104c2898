import { expect, test } from "vitest";
import { buildModel, loadModel } from "../load.ts";

const config = {
  model_type: "bart",
  vocab_size: 16,
  d_model: 6,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_attention_heads: 2,
  decoder_attention_heads: 3,
  encoder_ffn_dim: 4,
  decoder_ffn_dim: 4,
  max_position_embeddings: 8,
};

/** The tensors of a model as a checkpoint of the base model holds them, with or without the logits' bias. */
async function load(hasBias: boolean) {
  const tensors = buildModel(config)
    .weights.filter(({ name }) => hasBias || name !== "lm_head.bias")
    .map(({ name, shape }) => ({
      name: name === "lm_head.bias" ? "final_logits_bias" : name.replace(/^model\./, ""),
      shape: name === "lm_head.bias" ? [1, ...shape] : [...shape],
      dtype: "float32" as const,
      bytes: 0,
    }));
  return loadModel(config, { tensors: () => tensors });
}

test("final_logits_bias is [1, vocabulary], and zeros where a checkpoint of the base model lacks it", async () => {
  const bias = async (hasBias: boolean) => (await load(hasBias)).weights.find(({ name }) => name === "lm_head.bias");
  expect(await bias(true)).toMatchObject({ shape: [16], from: [{ tensor: "final_logits_bias", index: 0 }] });
  expect(await bias(false)).toBeUndefined();
});

test("embeddings that are not tied are one for each stack and one for the head, none of them shared", async () => {
  const untied = { ...config, tie_word_embeddings: false };
  const weights = buildModel(untied).weights;
  const tables = weights.filter(({ shape }) => shape[0] === 16 && shape.length === 2).map(({ name }) => name);
  const names = ["lm_head.weight", "model.decoder.embed_tokens.weight", "model.encoder.embed_tokens.weight"];
  expect(tables.toSorted()).toEqual(names);
  // a checkpoint that has but the shared one is not enough, as it leaves transformers' random
  const given = weights.filter(({ name }) => !names.includes(name)).map(({ name, shape }) => ({ name, shape: [...shape] }));
  const shared = { name: "model.shared.weight", shape: [16, 6] };
  const tensors = [...given, shared].map((tensor) => ({ ...tensor, dtype: "float32" as const, bytes: 0 }));
  await expect(loadModel(untied, { tensors: () => tensors })).rejects.toMatchObject({ code: "weights_missing" });
});

test("what has no encoder is refused by name", () => {
  expect(() => buildModel({ ...config, is_encoder_decoder: false })).toThrow("is_encoder_decoder");
  expect(() => buildModel({ ...config, decoder_attention_heads: 4 })).toThrow("decoder_attention_heads");
});
