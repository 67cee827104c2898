import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { headerLength, type LocatedTensor, lengthBytes, parseHeader } from "./safetensors.ts";
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
  return weights === "model.safetensors" ? checkpointOf(parseFile(content, file)) : readIndexed(content, file, files);
}

/** The checkpoint of the shards that an index names. */
async function readIndexed(index: Uint8Array, file: string, { directory, readBytes }: ReadableFiles): Promise<Checkpoint> {
  const map = parseIndex(index, file);
  const fail = (reason: string) => new TsumugiError("safetensors_index", { file, reason });
  const shards = new Map<string, Map<string, PlacedTensor>>();
  for (const shard of new Set(map.values())) {
    const bytes = await readBytes(shard);
    if (!bytes) throw fail(`${shard} is not there`);
    shards.set(shard, parseFile(bytes, `${directory}/${shard}`));
  }
  const placed = new Map<string, PlacedTensor>();
  for (const [tensor, shard] of map) {
    const found = shards.get(shard)?.get(tensor);
    if (!found) throw fail(`${shard} does not hold ${tensor}`);
    placed.set(tensor, found);
  }
  return checkpointOf(placed);
}

interface PlacedTensor extends LocatedTensor {
  data: Uint8Array;
}

function parseFile(content: Uint8Array, file: string): Map<string, PlacedTensor> {
  const length = headerLength(content.subarray(0, lengthBytes), content.length, file);
  const tensors = parseHeader(content.subarray(lengthBytes, lengthBytes + length), content.length, file);
  return new Map(
    tensors.map((tensor) => [tensor.name, { ...tensor, data: content.subarray(tensor.offset, tensor.offset + tensor.bytes) }]),
  );
}

function checkpointOf(placed: ReadonlyMap<string, PlacedTensor>): Checkpoint {
  const find = (name: string): Uint8Array => {
    const found = placed.get(name);
    if (!found) throw new TsumugiError("tensor_missing", { name });
    return found.data;
  };
  const infos = [...placed.values()].map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes }));
  return { tensors: () => infos, locate: find, read: async (name) => find(name), close: async () => {} };
}
