import type { GenerationConfig } from "../decoding/generation-config.ts";
import { TsumugiError } from "../errors.ts";
import { oneTensor, savedTensor } from "../formats/safetensors-output.ts";
import type { HubOptions } from "../hub/index.ts";
import { toFloat32 } from "../tensor/convert.ts";
import type { DType, FloatDType } from "../tensor/dtype.ts";
import { encodeFloats } from "../tensor/encode-floats.ts";
import { isRecord } from "../util/json-value.ts";
import { snakeCase } from "../util/letter-case.ts";
import { openModel } from "./open-model.ts";
import type { SavePretrainedOptions } from "./save-options.ts";
import { writeModel } from "./write-model.ts";

/** What is known of the model that is saved. */
export interface SavedModel {
  /** As it was loaded. */
  idOrDirectory: string;
  hub: HubOptions;
  dtype: FloatDType;
  /** Settings as they are now, and as they were loaded. */
  generationConfig: GenerationConfig;
  loadedConfig: GenerationConfig;
}

const floats: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];

/** Writes a loaded model: its tensors are read again, and turned into the type that it is held in where they have another. */
export async function savePretrained(directory: string, saved: SavedModel, options: SavePretrainedOptions): Promise<void> {
  const { files, config, checkpoint, adapter } = await openModel(saved.idOrDirectory, saved.hub);
  try {
    const refuse = (reason: string): never => {
      throw new TsumugiError("model_not_saved", { reason });
    };
    if (adapter)
      refuse("its adapter is added to the weights while they are read; merge it with Python's peft (`merge_and_unload()`)");
    if (config.quantization_config) refuse("its weights are quantised");
    if (files.isMade) refuse("it comes from a GGUF file");
    const stored = new Map(checkpoint.tensors().map((tensor) => [tensor.name, tensor.dtype]));
    const tensors = checkpoint
      .tensors()
      .map(({ name, dtype, shape }) => savedTensor(name, floats.includes(dtype) ? saved.dtype : dtype, shape));
    const isSame = tensors.every(({ name, dtype }) => stored.get(name) === dtype);
    const read = async ({ name, dtype }: { name: string; dtype: DType }) => {
      const bytes = await checkpoint.read(name);
      const from = stored.get(name)!;
      return from === dtype ? bytes : encodeFloats(toFloat32(bytes, from), dtype as FloatDType);
    };
    const texts: Record<string, string> = {};
    const text = (await files.readText("config.json"))!;
    texts["config.json"] = isSame
      ? text
      : jsonText({ ...config, [config.dtype == null ? "torch_dtype" : "dtype"]: saved.dtype });
    const settings = await generationText(await files.readText("generation_config.json"), saved);
    if (settings !== undefined) texts["generation_config.json"] = settings;
    const groups = tensors.map((tensor) => oneTensor(tensor, () => read(tensor)));
    await writeModel(directory, { files, texts, groups }, options);
  } finally {
    await checkpoint.close();
  }
}

/** generation_config.json with what was changed since loading; undefined where there is nothing to say. */
async function generationText(text: string | undefined, saved: SavedModel): Promise<string | undefined> {
  const now = saved.generationConfig as Record<string, unknown>;
  const before = saved.loadedConfig as Record<string, unknown>;
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  const changed = names.filter((name) => JSON.stringify(now[name]) !== JSON.stringify(before[name]));
  if (changed.length === 0) return text;
  let file: unknown;
  try {
    file = JSON.parse(text ?? "{}");
  } catch {
    file = {}; // one that is no JSON counts as absent
  }
  const out: Record<string, unknown> = isRecord(file) ? { ...file } : {};
  for (const name of changed) {
    if (now[name] === undefined) delete out[snakeCase(name)];
    else out[snakeCase(name)] = now[name];
  }
  return jsonText(out);
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
