import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TsumugiError } from "../errors.ts";
import { parseJsonFile } from "../util/json-text.ts";
import { readWholeLimit } from "./file-metadata.ts";
import type { ModelFiles } from "./model-files.ts";
import { relativePathProblem } from "./repository-id.ts";
import { listFiles } from "./snapshot.ts";

/** The files of one model on disk: a folder of the user's, or a snapshot in the cache. */
export interface ModelDirectory extends ModelFiles {
  /** Commit hash; undefined for a folder of the user's. */
  commit?: string;
  /** Absolute path of a file, or undefined when it is not there (or would lie outside of the folder). */
  path(file: string): string | undefined;
}

/** Wraps a folder. */
export function modelDirectory(id: string, directory: string, commit?: string): ModelDirectory {
  const path = (file: string) => {
    if (relativePathProblem(file) !== undefined) return undefined;
    const full = join(directory, ...file.split("/"));
    return existsSync(full) ? full : undefined;
  };
  const readText = async (file: string) => {
    const full = path(file);
    return full === undefined ? undefined : (await readPlainFile(full)).toString("utf8");
  };
  const readBytes = async (file: string) => {
    const full = path(file);
    return full === undefined ? undefined : new Uint8Array(await readPlainFile(full));
  };
  const readJson = async (file: string) => {
    const bytes = await readBytes(file);
    if (bytes === undefined) return undefined;
    try {
      return parseJsonFile(bytes, join(directory, file));
    } catch (error) {
      if (commit === undefined || !TsumugiError.isInstance(error) || error.code !== "invalid_json_file") throw error;
      // what the cache holds may have been damaged since it was checked
      const reason = `${error.details.reason}; \`tsumugi download ${id} --force\` (\`forceDownload\`) downloads it again`;
      throw new TsumugiError("invalid_json_file", { ...error.details, reason }, { cause: error.cause });
    }
  };
  return { id, directory, commit, list: () => listFiles(directory), path, readText, readBytes, readJson };
}

/** The bytes of a small file. A pipe or a device would be read for ever, and a large file would fill the memory. */
async function readPlainFile(file: string): Promise<Buffer> {
  const found = await stat(file);
  const { size } = found;
  const reason = !found.isFile()
    ? "it is a folder, a pipe or a device, where a file should be"
    : size > readWholeLimit
      ? `it has ${size} bytes; files that are read whole may have ${readWholeLimit}`
      : undefined;
  if (reason !== undefined) throw new TsumugiError("file_unreadable", { file, reason });
  return readFile(file);
}
