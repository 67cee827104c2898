import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TsumugiError } from "../errors.ts";
import { relativePathProblem } from "./repository-id.ts";
import { listFiles } from "./snapshot.ts";

/** The files of one model on disk: a folder of the user's, or a snapshot in the cache. */
export interface ModelDirectory {
  /** What was asked for: the Hub id, or the folder as it was given. */
  id: string;
  /** Absolute path. */
  directory: string;
  /** Commit hash; undefined for a folder of the user's. */
  commit?: string;
  /** All files, relative, with `/` between the parts, sorted. */
  list(): Promise<string[]>;
  /** Absolute path of a file, or undefined when it is not there (or would lie outside of the folder). */
  path(file: string): string | undefined;
  /** Text of a small file, or undefined when it is not there. */
  readText(file: string): Promise<string | undefined>;
  /** Bytes of a small file, or undefined when it is not there. */
  readBytes(file: string): Promise<Uint8Array | undefined>;
  /** Content of a JSON file, or undefined when it is not there. Error: `invalid_json_file`. */
  readJson(file: string): Promise<unknown | undefined>;
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
    return full === undefined ? undefined : await readFile(full, "utf8");
  };
  const readBytes = async (file: string) => {
    const full = path(file);
    return full === undefined ? undefined : new Uint8Array(await readFile(full));
  };
  const readJson = async (file: string) => {
    const text = await readText(file);
    return text === undefined ? undefined : parseJson(text, join(directory, file));
  };
  return { id, directory, commit, list: () => listFiles(directory), path, readText, readBytes, readJson };
}

/** JSON.parse that names the file; a byte order mark is skipped. Error: `invalid_json_file`. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new TsumugiError("invalid_json_file", { path, reason: (error as Error).message }, { cause: error });
  }
}
