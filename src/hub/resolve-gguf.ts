import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { TsumugiError } from "../errors.ts";
import { expandPath } from "./environment.ts";
import type { HubOptions } from "./options.ts";
import { relativePathProblem } from "./repository-id.ts";
import { resolveModel } from "./resolve-model.ts";

/** The files of a model that is one GGUF file, or several parts of one. */
export interface GgufLocation {
  /** What was asked for, as it was given. */
  id: string;
  /** Its paths, part by part. */
  paths: readonly string[];
}

/** Parts of one file at most. */
const mostParts = 1000;

/**
 * Where the GGUF files of a model are: a path that ends with ".gguf", or the file `ggufFile` of a folder or of a repository on the
 * Hub, which is downloaded. Of a split file any part names all of them. Undefined where no GGUF file is asked for.
 *
 * @throws TsumugiError `model_not_found`, `invalid_option`, and what `resolveModel` throws
 */
export async function resolveGguf(
  idOrPath: string,
  ggufFile: string | undefined,
  hub: HubOptions,
): Promise<GgufLocation | undefined> {
  if (ggufFile === undefined && (typeof idOrPath !== "string" || !idOrPath.endsWith(".gguf"))) return undefined;
  if (ggufFile === undefined && (await isFolder(idOrPath))) return undefined;
  if (ggufFile === undefined) return { id: idOrPath, paths: await existing(idOrPath, partsOf(resolve(expandPath(idOrPath)))) };
  const problem = typeof ggufFile !== "string" || !ggufFile.endsWith(".gguf") ? "no .gguf file" : relativePathProblem(ggufFile);
  if (problem !== undefined) {
    const expected = `the name of a .gguf file in the model's folder or repository (${problem})`;
    throw new TsumugiError("invalid_option", { option: "ggufFile", expected, given: ggufFile });
  }
  const names = partsOf(ggufFile);
  const { directory, commit } = await resolveModel(idOrPath, { ...hub, files: () => names });
  const paths = names.map((name) => join(directory, ...name.split("/")));
  return { id: idOrPath, paths: commit === undefined ? await existing(idOrPath, paths) : paths };
}

/** A model's folder may have any name. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(resolve(expandPath(path))).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

/** All parts of the split file that a name is one of; a name alone where it is none. */
function partsOf(path: string): string[] {
  const [, stem, number, count] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/.exec(path) ?? [];
  const parts = Number(count);
  if (stem === undefined || !(parts >= 1 && parts <= mostParts && Number(number) >= 1 && Number(number) <= parts))
    return [path];
  return Array.from({ length: parts }, (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`);
}

async function existing(given: string, paths: string[]): Promise<string[]> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) continue;
    const reason = found ? `${path} is no file` : `there is no file ${basename(path)} in ${dirname(path)}`;
    throw new TsumugiError("model_not_found", { given, reason, hint: "" });
  }
  return paths;
}
