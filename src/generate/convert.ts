import { TsumugiError } from "../errors.ts";
import { fromConsolidated, pairsToHalves } from "../formats/consolidated.ts";
import { openPytorch } from "../formats/file-pytorch.ts";
import type { Checkpoint } from "../formats/index.ts";
import { openSafetensors } from "../formats/index.ts";
import { oneTensor, savedTensor } from "../formats/safetensors-output.ts";
import { type HubOptions, type ModelDirectory, resolveModel, selectTokenizerFiles } from "../hub/index.ts";
import { isRecord } from "../util/json-value.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

/** Options of `convertModel`. */
export interface ConvertOptions extends HubOptions {
  maxShardBytes?: number | undefined;
  onWritten?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
}

/** Tied heads: they are the embeddings, which are written once. */
const heads = /(^|\.)(lm_head|embed_out)\.weight$/;

/**
 * Turns a model's weights into safetensors: pytorch_model.bin (or its shards), or the layout of Llama's and Mistral's authors.
 * The pickles are read as data; nothing in them is executed.
 *
 * @throws `convert_unsupported`, `pickle_refused`, `pytorch_invalid`, `output_exists`, `output_unwritable`
 */
export async function convertModel(idOrDirectory: string, output: string, options: ConvertOptions = {}): Promise<void> {
  const { maxShardBytes, onWritten, ...hub } = options;
  const files = await resolveModel(idOrDirectory, { ...hub, files: selectFiles });
  const names = await files.list();
  const source = (await pytorchSource(files, names)) ?? (await consolidatedSource(files, names));
  if (!source) {
    const reason = "there is no pytorch_model.bin (or its index), and no consolidated.00.pth or consolidated.safetensors";
    throw new TsumugiError("convert_unsupported", { directory: files.directory, reason });
  }
  try {
    const texts: Record<string, string> = { ...source.texts };
    for (const name of ["config.json", "generation_config.json"]) {
      const text = await files.readText(name);
      if (text !== undefined) texts[name] ??= text;
    }
    const { groups } = source;
    await writeModel(output, { files, texts, groups }, { maxShardBytes, onProgress: onWritten, signal: hub.signal });
  } finally {
    await source.checkpoint.close();
  }
}

/** Weights of PyTorch, and those of a model's authors. */
const otherWeights =
  /^(pytorch_model(-\d+-of-\d+)?\.bin|pytorch_model\.bin\.index\.json|consolidated(\.\d+\.pth|\.safetensors)|params\.json)$/;

function selectFiles(names: string[]): string[] {
  return names
    .filter((name) => name === "generation_config.json" || otherWeights.test(name))
    .concat(selectTokenizerFiles(names));
}

interface Source extends Omit<WrittenModel, "files"> {
  checkpoint: Checkpoint;
}

async function pytorchSource(files: ModelDirectory, names: readonly string[]): Promise<Source | undefined> {
  const weights = await pytorchFiles(files, names);
  if (!weights) return undefined;
  const checkpoint = await openPytorch(weights.map((name) => files.path(name) ?? missing(files, name)));
  const config = await files.readJson("config.json");
  // As transformers' conversion: a head that shares the values of the embeddings is not written beside them.
  const isTied = isRecord(config) && config.tie_word_embeddings === true;
  const groups = checkpoint
    .tensors()
    .filter(({ name }) => !(isTied && heads.test(name) && isShared(checkpoint.sameAs, name)))
    .map(({ name, dtype, shape }) => oneTensor(savedTensor(name, dtype, shape), () => checkpoint.read(name)));
  return { checkpoint, groups, texts: {} };
}

function isShared(sameAs: ReadonlyMap<string, string>, name: string): boolean {
  return sameAs.has(name) || [...sameAs.values()].includes(name);
}

async function pytorchFiles(files: ModelDirectory, names: readonly string[]): Promise<string[] | undefined> {
  if (names.includes("pytorch_model.bin")) return ["pytorch_model.bin"];
  if (!names.includes("pytorch_model.bin.index.json")) return undefined;
  const index = await files.readJson("pytorch_model.bin.index.json");
  const map = isRecord(index) && isRecord(index.weight_map) ? Object.values(index.weight_map) : [];
  const shards = [...new Set(map)].filter((name): name is string => typeof name === "string").sort();
  if (shards.length > 0) return shards;
  const reason = "pytorch_model.bin.index.json names no files";
  throw new TsumugiError("convert_unsupported", { directory: files.directory, reason });
}

async function consolidatedSource(files: ModelDirectory, names: readonly string[]): Promise<Source | undefined> {
  const parts = names.filter((name) => /^consolidated\.\d+\.pth$/.test(name));
  const isSafe = names.includes("consolidated.safetensors");
  if (!isSafe && parts.length === 0) return undefined;
  const fail = (reason: string): never => {
    throw new TsumugiError("convert_unsupported", { directory: files.directory, reason });
  };
  if (!isSafe && parts.length > 1) fail(`its weights are cut into ${parts.length} parts for as many devices; one part is read`);
  const params = (await files.readJson("params.json")) ?? fail("there is no params.json beside the weights");
  const checkpoint = isSafe
    ? await openSafetensors([files.path("consolidated.safetensors")!])
    : await openPytorch([files.path(parts[0]!)!]);
  try {
    const { renamed, config } = fromConsolidated(checkpoint.tensors(), params, files.directory);
    const groups = renamed.map(({ name, tensor, heads: count }) =>
      oneTensor(savedTensor(name, tensor.dtype, tensor.shape), async () => {
        const bytes = await checkpoint.read(tensor.name);
        return count === undefined ? bytes : pairsToHalves(bytes, tensor.shape[0]!, count);
      }),
    );
    return { checkpoint, groups, texts: { "config.json": `${JSON.stringify(config, undefined, 2)}\n` } };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

function missing(files: ModelDirectory, name: string): never {
  throw new TsumugiError("convert_unsupported", { directory: files.directory, reason: `${name} is not there` });
}
