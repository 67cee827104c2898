import { TsumugiError } from "../errors.ts";
import { foreignFileBytes } from "../util/foreign-file.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { inOrder, type LocatedTensor, readHeader } from "./safetensors.ts";
import { parseIndex } from "./safetensors-index.ts";
import { describeOtherWeights, findWeightFiles } from "./weight-files.ts";

/** Files that are read whole by their names. */
export interface ReadableFiles {
  /** Where they are, for messages. */
  directory: string;
  /** Their names, as far as they can be known. */
  list(): Promise<string[]>;
  /** Bytes of a file, or undefined where it is not there. */
  readBytes(file: string): Promise<Uint8Array | undefined>;
}

/**
 * The safetensors checkpoint of files that are read whole, for places without a file system: `model.safetensors`, or else the
 * shards that `model.safetensors.index.json` names. Its bytes are in memory until it is let go.
 *
 * @throws TsumugiError `checkpoint_missing`, and the `safetensors_*` codes
 * @example
 * ```ts
 * const checkpoint = await readCheckpoint(filesInMemory(files));
 * console.log(checkpoint.tensors().length);
 * ```
 */
export async function readCheckpoint(files: ReadableFiles): Promise<Checkpoint> {
  const { directory } = files;
  const names = await files.list();
  const { weights } = findWeightFiles(names);
  const content = weights && (await files.readBytes(weights));
  if (!content) throw new TsumugiError("checkpoint_missing", { directory, found: describeOtherWeights(names, directory) });
  const file = `${directory}/${weights}`;
  if (weights === "model.safetensors") return readSafetensors(content, file);
  return readIndexed(content, file, files);
}

/** One safetensors file as a checkpoint. `file`: its name, for messages. */
export async function readSafetensors(content: Uint8Array, file: string): Promise<Checkpoint> {
  return checkpointOf([await parseFile(content, file)]);
}

/** The checkpoint of the shards that an index names. */
async function readIndexed(index: Uint8Array, file: string, { directory, readBytes }: ReadableFiles): Promise<Checkpoint> {
  const { shards, dtype } = parseIndex(index, file);
  const parsed: PlacedTensor[][] = [];
  for (const shard of shards) {
    const bytes = await readBytes(shard);
    if (!bytes) throw new TsumugiError("safetensors_index", { file, reason: `${shard} is not there` });
    parsed.push(await parseFile(bytes, `${directory}/${shard}`));
  }
  return checkpointOf(parsed, dtype);
}

interface PlacedTensor extends LocatedTensor {
  data: Uint8Array;
}

async function parseFile(content: Uint8Array, file: string): Promise<PlacedTensor[]> {
  const read = async (offset: number, bytes: number) => content.subarray(offset, offset + bytes);
  const tensors = await readHeader(file, content.subarray(0, foreignFileBytes), content.length, read);
  return inOrder(tensors).map((tensor) => ({
    ...tensor,
    data: content.subarray(tensor.offset, tensor.offset + tensor.bytes),
  }));
}

/** One checkpoint of files; of a tensor that two of them hold the last counts, as in transformers. */
function checkpointOf(files: readonly (readonly PlacedTensor[])[], declaredDtype?: string): Checkpoint {
  const placed = new Map(files.flat().map((tensor) => [tensor.name, tensor]));
  const find = (name: string): Uint8Array => {
    const found = placed.get(name);
    if (!found) throw new TsumugiError("tensor_missing", { name });
    return found.data;
  };
  const infos = [...placed.values()].map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes }));
  const source = { tensors: () => infos, locate: find, read: async (name: string) => find(name), close: async () => {} };
  return { ...source, ...(declaredDtype !== undefined && { declaredDtype }) };
}
