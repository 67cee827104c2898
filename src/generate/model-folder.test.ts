import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
