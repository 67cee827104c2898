import { readFile } from "node:fs/promises";
import { dirname } from "node:path/posix";
import { parseIndex } from "../formats/safetensors-index.ts";

/** Whether a file is the index of sharded weights. */
export function isWeightIndex(file: string): boolean {
  return file.endsWith(".safetensors.index.json");
}

/**
 * The files that an index of sharded weights names (its `weight_map`), as paths in the repository.
 *
 * Errors: `invalid_json_file`, `safetensors_index`.
 */
export async function shardFiles(path: string, file: string): Promise<string[]> {
  const { shards } = parseIndex(await readFile(path), path);
  const folder = dirname(file);
  return shards.map((shard) => (folder === "." ? shard : `${folder}/${shard}`));
}
