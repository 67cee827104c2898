import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { headerLength, type LocatedTensor, lengthBytes, parseHeader } from "./safetensors.ts";
import { parseIndex } from "./safetensors-index.ts";

/** Bytes of a file of the model by its name, or undefined where it is not there. */
export type ReadFile = (file: string) => Promise<Uint8Array | undefined>;

/**
 * The safetensors checkpoint of files that are read whole, for places without a file system: `model.safetensors`, or else the
 * shards that `model.safetensors.index.json` names. Its bytes are in memory until it is let go.
 *
 * @param directory where the files are, for messages
 * @throws TsumugiError `checkpoint_missing`, and the `safetensors_*` codes
 * @example
 * ```ts
 * const checkpoint = await readCheckpoint("memory", async (file) => bytes[file]);
 * console.log(checkpoint.tensors().length);
 * ```
 */
export async function readCheckpoint(directory: string, readFile: ReadFile): Promise<Checkpoint> {
  const single = await readFile("model.safetensors");
  if (single) return checkpointOf(parseFile(single, `${directory}/model.safetensors`));
  const indexFile = "model.safetensors.index.json";
  const index = await readFile(indexFile);
  if (!index) throw new TsumugiError("checkpoint_missing", { directory });
  const map = parseIndex(index, `${directory}/${indexFile}`);
  const fail = (reason: string) => new TsumugiError("safetensors_index", { file: `${directory}/${indexFile}`, reason });
  const shards = new Map<string, Map<string, PlacedTensor>>();
  for (const shard of new Set(map.values())) {
    const bytes = await readFile(shard);
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
