import { TsumugiError } from "../errors.ts";

/** The files of one model, wherever they are: a folder, a web server, bytes in memory. */
export interface ModelFiles {
  /** What was asked for: the Hub id, the folder or the address as it was given. */
  id: string;
  /** Where the files are, for messages: an absolute path, or an address. */
  directory: string;
  /** All files, relative, with `/` between the parts, sorted. */
  list(): Promise<string[]>;
  /** Text of a small file, or undefined when it is not there. */
  readText(file: string): Promise<string | undefined>;
  /** Bytes of a file, or undefined when it is not there. */
  readBytes(file: string): Promise<Uint8Array | undefined>;
  /** Content of a JSON file, or undefined when it is not there. Error: `invalid_json_file`. */
  readJson(file: string): Promise<unknown | undefined>;
}

/** JSON.parse that names the file; a byte order mark is skipped. Error: `invalid_json_file`. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new TsumugiError("invalid_json_file", { path, reason: (error as Error).message }, { cause: error });
  }
}

/** The files of a model, read by their bytes. */
export function modelFilesOf({
  id,
  directory,
  list,
  readBytes,
}: Pick<ModelFiles, "id" | "directory" | "list" | "readBytes">): ModelFiles {
  const readText = async (file: string) => {
    const bytes = await readBytes(file);
    return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  };
  const readJson = async (file: string) => {
    const text = await readText(file);
    return text === undefined ? undefined : parseJson(text, `${directory}/${file}`);
  };
  return { id, directory, list, readBytes, readText, readJson };
}
