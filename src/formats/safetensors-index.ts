import { TsumugiError } from "../errors.ts";
import { parseJsonObject } from "./safetensors.ts";

/**
 * Reads model.safetensors.index.json: which file holds each tensor.
 *
 * @returns for each tensor name the name of its file, in the index's directory.
 * @throws TsumugiError `safetensors_json`, `safetensors_duplicate_key`, `safetensors_index`.
 */
export function parseIndex(bytes: Uint8Array, file: string): Map<string, string> {
  const { weight_map: map } = parseJsonObject(bytes, file);
  if (typeof map !== "object" || map === null || Array.isArray(map) || Object.keys(map).length === 0) {
    throw new TsumugiError("safetensors_index", { file, reason: "`weight_map` must be an object of tensor and file names" });
  }
  const entries = Object.entries(map as Record<string, unknown>);
  for (const [tensor, shard] of entries) {
    if (typeof shard !== "string" || !isPlainName(shard)) {
      const reason = `\`weight_map\` of ${tensor} must be a file name in the same directory, ending in .safetensors. Given: ${JSON.stringify(shard)}`;
      throw new TsumugiError("safetensors_index", { file, reason });
    }
  }
  return new Map(entries as [string, string][]);
}

/** True for a plain file name. A name with a directory, a drive or a way up could reach files elsewhere. */
function isPlainName(name: string): boolean {
  return name.endsWith(".safetensors") && !/[\\/:\0]/.test(name) && !name.startsWith(".");
}
