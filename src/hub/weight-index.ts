import { readFile } from "node:fs/promises";
import { dirname } from "node:path/posix";
import { TsumugiError } from "../errors.ts";
import { parseJson } from "./model-files.ts";
import { relativePathProblem } from "./repository-id.ts";

/** Whether a file is the index of sharded weights. */
export function isWeightIndex(file: string): boolean {
  return file.endsWith(".safetensors.index.json");
}

/**
 * The files that an index of sharded weights names (its `weight_map`), as paths in the repository.
 *
 * Errors: `invalid_json_file`, `invalid_input` for an index without a map or with names outside of the repository.
 */
export async function shardFiles(path: string, file: string): Promise<string[]> {
  const index = parseJson(await readFile(path, "utf8"), path) as { weight_map?: unknown } | null;
  const map = index?.weight_map;
  if (typeof map !== "object" || map === null) {
    throw new TsumugiError("invalid_input", { what: `\`weight_map\` of ${path}`, expected: "an object", given: map });
  }
  const folder = dirname(file);
  return [...new Set(Object.values(map))].sort().map((shard) => {
    const problem = typeof shard === "string" ? relativePathProblem(shard) : "it is not a string";
    if (problem !== undefined) {
      const what = `Every file in \`weight_map\` of ${path}`;
      throw new TsumugiError("invalid_input", { what, expected: "a plain relative path", given: shard });
    }
    return folder === "." ? shard : `${folder}/${shard}`;
  });
}
