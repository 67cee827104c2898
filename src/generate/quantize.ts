import { TsumugiError } from "../errors.ts";
import { BitsAndBytesConfig } from "../formats/quantised/bitsandbytes-config.ts";
import { bitsandbytesTensors } from "../formats/quantised/write-bitsandbytes.ts";
import { oneTensor, savedTensor, type TensorGroup } from "../formats/safetensors-output.ts";
import type { HubOptions } from "../hub/index.ts";
import { linearWeights, loadModel } from "../models/index.ts";
import { toFloat32 } from "../tensor/convert.ts";
import type { DType, FloatDType } from "../tensor/dtype.ts";
import { encodeFloats } from "../tensor/encode-floats.ts";
import { oneOf } from "../util/one-of.ts";
import type { ModelParts } from "./assemble-model.ts";
import { chooseDtype } from "./choose-dtype.ts";
import { openModel } from "./open-model.ts";
import { quantisingRule } from "./quantise-on-load.ts";
import { ggufFormats, quantizeToGguf } from "./quantize-gguf.ts";
import { writeModel } from "./write-model.ts";

/** Formats that `quantizeModel` writes, by name. */
const formats: { readonly [name: string]: ConstructorParameters<typeof BitsAndBytesConfig>[0] } = {
  nf4: { loadIn4bit: true, bnb4bitQuantType: "nf4" },
  "nf4-double": { loadIn4bit: true, bnb4bitQuantType: "nf4", bnb4bitUseDoubleQuant: true },
  fp4: { loadIn4bit: true, bnb4bitQuantType: "fp4" },
  "fp4-double": { loadIn4bit: true, bnb4bitQuantType: "fp4", bnb4bitUseDoubleQuant: true },
  int8: { loadIn8bit: true },
};

export const quantizeFormats: readonly string[] = [...Object.keys(formats), ...ggufFormats];

/** Options of `quantizeModel`. */
export interface QuantizeOptions extends HubOptions {
  maxShardBytes?: number | undefined;
  onWritten?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
}

type Opened = Omit<ModelParts, "backend">;

/**
 * Writes a quantised checkpoint of a plain one, matrix by matrix: bitsandbytes' layout as a folder, which loads here and in Python, or
 * a GGUF file, which loads here and in llama.cpp.
 *
 * @throws `invalid_option`, `gguf_unsupported`, `unsupported_tokenizer`, `convert_unsupported`, `output_exists`, `output_unwritable`
 */
export async function quantizeModel(
  idOrDirectory: string,
  to: string,
  output: string,
  options: QuantizeOptions = {},
): Promise<void> {
  const { maxShardBytes, onWritten, ...hub } = options;
  oneOf("to", to, quantizeFormats);
  const parts = await openModel(idOrDirectory, hub);
  const { files, checkpoint, config } = parts;
  try {
    refuseOthers(parts);
    if (ggufFormats.includes(to)) {
      if (maxShardBytes !== undefined) {
        throw new TsumugiError("conflicting_options", {
          options: `\`maxShardBytes\` and \`${to}\``,
          reason: "one file is written",
        });
      }
      return await quantizeToGguf(parts, to, output, { signal: hub.signal, onWritten });
    }
    const dtype = chooseDtype("auto", config, checkpoint);
    const bnb4bitComputeDtype = dtype === "bfloat16" ? dtype : "float32";
    const quantizationConfig = new BitsAndBytesConfig({ ...formats[to]!, bnb4bitComputeDtype });
    const groups = await groupsOf(parts, quantizationConfig, dtype);
    const written = { ...config, quantization_config: quantizationConfig.toJSON() };
    const texts: Record<string, string> = { "config.json": `${JSON.stringify(written, undefined, 2)}\n` };
    const settings = await files.readText("generation_config.json");
    if (settings !== undefined) texts["generation_config.json"] = settings;
    await writeModel(output, { files, texts, groups }, { maxShardBytes, onProgress: onWritten, signal: hub.signal });
  } finally {
    await checkpoint.close();
  }
}

function refuseOthers({ files, config, adapter }: Opened): void {
  const fail = (reason: string): never => {
    throw new TsumugiError("convert_unsupported", { directory: files.directory, reason });
  };
  if (config.quantization_config) fail("it is quantised already");
  if (adapter) fail("it has an adapter: merge it with Python's peft first (`merge_and_unload()`)");
  if (files.isMade) fail("it comes from a GGUF file");
}

async function groupsOf(
  { config, checkpoint }: Opened,
  quantizationConfig: BitsAndBytesConfig,
  dtype: FloatDType,
): Promise<TensorGroup[]> {
  const model = await loadModel(config, checkpoint);
  const rule = quantisingRule(model, config, { quantizationConfig })!;
  /** Whether a tensor is stored [inputs, outputs], by its name. */
  const quantised = new Map<string, boolean>();
  for (const { weight: index, inputsFirst } of linearWeights(model)) {
    const weight = model.weights[index]!;
    if (!rule(weight, dtype).quantise) continue;
    for (const { tensor } of weight.from) quantised.set(tensor, inputsFirst);
  }
  const floats: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];
  return checkpoint.tensors().map(({ name, dtype: stored, shape }) => {
    const isInputsFirst = quantised.get(name);
    if (isInputsFirst === undefined || shape.length !== 2) {
      const kept = floats.includes(stored) ? dtype : stored;
      return oneTensor(savedTensor(name, kept, shape), async () => {
        const bytes = await checkpoint.read(name);
        return kept === stored ? bytes : encodeFloats(toFloat32(bytes, stored), kept as FloatDType);
      });
    }
    const [first, second] = shape as [number, number];
    const read = async () => {
      const values = toFloat32(await checkpoint.read(name), stored);
      return isInputsFirst ? turned(values, first, second) : values;
    };
    const own = isInputsFirst ? ([second, first] as const) : ([first, second] as const);
    return bitsandbytesTensors({ name, shape: own, dtype, read }, quantizationConfig);
  });
}

function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}
