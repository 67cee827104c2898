import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";

const llama = fileURLToPath(new URL("../../test/fixtures/models/llama", import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsumugi-folder-"));
  cpSync(llama, folder, { recursive: true });
});
afterEach(() => {
  setWarningHandler();
  rmSync(folder, { recursive: true });
});

const load = () => AutoModelForCausalLM.fromPretrained(folder, { device: "reference" });
const incomplete = (reason: string) =>
  expect.objectContaining({ code: "model_incomplete", details: { directory: folder, reason } });

test("a folder without config.json, or with files that hold no object, is said to be so", async () => {
  writeFileSync(join(folder, "generation_config.json"), "[1]");
  await expect(load()).rejects.toThrow(incomplete("has a generation_config.json that does not hold an object"));
  writeFileSync(join(folder, "config.json"), "[]");
  await expect(load()).rejects.toThrow(incomplete("has a config.json that does not hold an object"));
  rmSync(join(folder, "config.json"));
  await expect(load()).rejects.toThrow(incomplete("has no config.json"));
});

test("a folder without config.json says what it holds", async () => {
  rmSync(join(folder, "config.json"));
  rmSync(join(folder, "model.safetensors"));
  writeFileSync(join(folder, "llama.Q4.gguf"), "GGUF");
  await expect(load()).rejects.toThrow("has no config.json. There is llama.Q4.gguf (GGUF). Give the path of the file");
  mkdirSync(join(folder, "checkpoint-5"));
  writeFileSync(join(folder, "checkpoint-5", "config.json"), "{}");
  await expect(load()).rejects.toThrow("There is checkpoint-5/config.json: give the path of its folder");
});

test("weights in a file of config.json's own choice are refused by the field's name", async () => {
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, transformers_weights: "other.safetensors" }));
  await expect(load()).rejects.toMatchObject({
    code: "config_unsupported",
    message: expect.stringContaining("transformers_weights"),
  });
});

test("NaN and Infinity are read bare and as transformers wraps them", async () => {
  const text = readFileSync(join(folder, "config.json"), "utf8");
  writeFileSync(join(folder, "config.json"), text.replace("{", '{ "unread": [NaN, -Infinity], '));
  await (await load()).dispose();
  const config = JSON.parse(text);
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, rms_norm_eps: { __float__: "Infinity" } }));
  await expect(load()).rejects.toThrow(/`rms_norm_eps` is wrong.*Given: Infinity/);
});

test("tensors that config.json has no place for are told once a load", async () => {
  const warnings: string[] = [];
  setWarningHandler((message) => warnings.push(message));
  await (await load()).dispose();
  expect(warnings).toEqual([]);
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, num_hidden_layers: 1 }));
  await (await load()).dispose();
  expect(warnings).toEqual([expect.stringMatching(/holds 9 tensors that .*: model\.layers\.1\..*, …\.$/)]);
});

test("a folder may be called as files are", async () => {
  const named = join(folder, "model.gguf");
  cpSync(llama, named, { recursive: true });
  await using model = await AutoModelForCausalLM.fromPretrained(named, { device: "reference" });
  expect(model.numParameters()).toBeGreaterThan(0);
});
