import { TsumugiError } from "../errors.ts";
import { parseJsonFile } from "../util/json-text.ts";
import { isRecord } from "../util/json-value.ts";
import { printable } from "../util/printable.ts";
import { showValue } from "../util/show-value.ts";

/** What model.safetensors.index.json says. */
export interface WeightIndex {
  /** The files that hold the weights, relative to the index, each once and sorted. */
  shards: readonly string[];
  /** `metadata.dtype`, which few writers set: the type of the weights. */
  dtype?: string;
}

/**
 * Reads model.safetensors.index.json. Only the names of files count, as in transformers: their own headers say what they hold,
 * so that an index may leave out a tensor, or name one that is nowhere.
 *
 * @throws TsumugiError `invalid_json_file`, `safetensors_index` for an index without files, or with one that is no safetensors
 *   file inside the index's folder
 */
export function parseIndex(bytes: Uint8Array, file: string): WeightIndex {
  const index = parseJsonFile(bytes, file);
  const { weight_map: map, metadata } = isRecord(index) ? index : {};
  if (!isRecord(map) || Object.keys(map).length === 0) {
    throw new TsumugiError("safetensors_index", { file, reason: "`weight_map` must be an object of tensor and file names" });
  }
  const named = new Map<unknown, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (!named.has(shard)) named.set(shard, innerPath(shard) ?? refuse(file, tensor, shard));
  }
  const dtype = isRecord(metadata) ? metadata.dtype : undefined;
  return { shards: [...new Set(named.values())].sort(), ...(typeof dtype === "string" && { dtype }) };
}

/**
 * A path of a safetensors file inside the folder, without "./" in front; undefined for anything else. A drive or a way up
 * could reach files elsewhere.
 */
function innerPath(shard: unknown): string | undefined {
  if (typeof shard !== "string" || !shard.endsWith(".safetensors") || /^\/|[\\:\0]/.test(shard)) return undefined;
  const parts = shard.split("/").filter((part) => part !== "." && part !== "");
  return parts.includes("..") || parts.at(-1) === ".safetensors" ? undefined : parts.join("/");
}

function refuse(file: string, tensor: string, shard: unknown): never {
  const reason = `\`weight_map\` of ${printable(tensor)} must be the path of a safetensors file in the index's folder. Given: ${showValue(shard)}`;
  throw new TsumugiError("safetensors_index", { file, reason });
}
