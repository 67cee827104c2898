import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openCheckpoint } from "../formats/index.ts";
import { loadModel, unusedTensorsOf } from "./index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const fixtures = `${root}test/fixtures/models/`;
const sets = ["test/fixtures/models/", "test/fixtures/multimodal/", "test/fixtures/encoder-decoder/"];

/** Unused tensors of a fixture with other fields in its config.json, and other tensors beside its own. */
async function unused(name: string, fields: object = {}, more: readonly string[] = []): Promise<string[]> {
  const config = { ...JSON.parse(readFileSync(`${resolve(fixtures, name)}/config.json`, "utf8")), ...fields };
  const checkpoint = await openCheckpoint(resolve(fixtures, name));
  try {
    const extra = more.map((tensor) => ({ name: tensor, dtype: "float32" as const, shape: [1], bytes: 4 }));
    const source = { tensors: () => [...checkpoint.tensors(), ...extra], read: (tensor: string) => checkpoint.read(tensor) };
    return unusedTensorsOf(await loadModel(config, source), config, source);
  } finally {
    await checkpoint.close();
  }
}

/** Models below a folder that have unused tensors. */
async function warned(directory: string): Promise<Record<string, string[]>> {
  const isModel = (name: string) => existsSync(`${directory}${name}/config.json`);
  const models = readdirSync(directory).filter(isModel);
  expect(models.length).toBeGreaterThan(2);
  const found: Record<string, string[]> = {};
  for (const model of models) {
    const names = await unused(directory + model);
    if (names.length > 0) found[model] = names;
  }
  return found;
}

test.each(sets)("no model of %s has any", async (set) => {
  expect(await warned(root + set)).toEqual({});
});

test("layers and biases that config.json has no place for are named", async () => {
  const layer = await unused("llama", { num_hidden_layers: 1 });
  expect(layer).toHaveLength(9);
  expect(layer.every((name) => name.startsWith("model.layers.1."))).toBe(true);
  expect(await unused("llama", {}, ["model.layers.0.self_attn.q_proj.bias"])).toEqual(["model.layers.0.self_attn.q_proj.bias"]);
});

test("buffers, tied heads and layers that look ahead are expected", async () => {
  expect(await unused("llama", { tie_word_embeddings: true }, ["model.layers.0.self_attn.rotary_emb.inv_freq"])).toEqual([]);
  expect(await unused("gpt2", {}, ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"])).toEqual([]);
  expect(await unused("deepseek_v3", {}, ["model.layers.61.eh_proj.weight"])).toEqual([]);
  expect(await unused("qwen3_next", {}, ["mtp.fc.weight"])).toEqual([]);
});
