import { adapterNames, weightNames } from "../formats/weight-files.ts";
import { cachePaths } from "./cache-paths.ts";
import type { HubContext } from "./options.ts";
import { wellKnownNames } from "./select-files.ts";
import { cachedTree, fileSize, listFiles } from "./snapshot.ts";
import { isWeightIndex, shardFiles } from "./weight-index.ts";

export type FileChooser = (names: string[]) => string[];

/** What the cache holds of a commit, compared with what a chooser wants. */
export type CachedSnapshot = {
  /** Wanted files that are there. */
  present: string[];
  /** Wanted files that should be there and are not, or not whole: the snapshot cannot be used. In words for a message. */
  missing: string[];
  /** Well-known files that the repository may or may not have; the cache does not know. The snapshot can be used offline. */
  unknown: string[];
};

/**
 * Looks at the cache only. The repository's listing is not known here, unless Python left one (trees/<commit>.json): with it
 * sizes are compared. Without a listing it counts the files of the snapshot, the notes of absent files (.no_exist), and the index of shards.
 */
export async function inspectSnapshot(context: HubContext, commit: string, choose: FileChooser): Promise<CachedSnapshot> {
  const paths = cachePaths(context.cacheDirectory, context.repository);
  const onDisk = await listFiles(paths.snapshot(commit));
  const tree = await cachedTree(paths, commit);
  const wanted = choose(tree === undefined ? onDisk : [...tree.keys()]);
  const present = wanted.filter((file) => onDisk.includes(file));
  const missing = wanted.filter((file) => !onDisk.includes(file));
  for (const file of present) {
    const size = await fileSize(paths.pointer(commit, file));
    const expected = tree?.get(file) ?? size;
    if (size !== expected) missing.push(`${file} (${size} of ${expected} bytes)`);
  }
  const unknown: string[] = [];
  if (tree === undefined) {
    const notes = (file: string) => fileSize(paths.absent(commit, file));
    for (const file of wellKnownNames.filter((name) => asksFor(choose, name))) {
      if (!onDisk.includes(file) && (await notes(file)) === undefined) unknown.push(file);
    }
    // an adapter has its own weights, and its base has the config.json
    if (adapterNames.every((name) => present.includes(name))) remove(unknown, [...weightNames, "config.json"]);
    const weights = unknown.filter((file) => isWeights(file));
    if (present.some(isWeights)) remove(unknown, weightNames);
    else if (weights.length > 0) missing.push("model.safetensors");
    if (unknown.includes("config.json")) missing.push("config.json");
  }
  for (const index of present.filter(isWeightIndex)) {
    for (const shard of await shardFiles(paths.pointer(commit, index), index)) {
      if (!onDisk.includes(shard)) missing.push(shard);
      else if (!present.includes(shard)) present.push(shard);
    }
  }
  return { present, missing, unknown };
}

/** Whether a chooser wants a file of this name. */
export function asksFor(choose: FileChooser, name: string): boolean {
  return choose([name]).includes(name);
}

function isWeights(file: string): boolean {
  return weightNames.some((name) => name === file);
}

function remove(list: string[], names: readonly string[]): void {
  list.splice(0, list.length, ...list.filter((each) => !names.includes(each)));
}
