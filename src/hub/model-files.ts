import { parseJsonFile } from "../util/json-text.ts";

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
  /** The files are made of something else, so that `readJson` costs less than their bytes. */
  isMade?: boolean;
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
    const bytes = await readBytes(file);
    return bytes && parseJsonFile(bytes, `${directory}/${file}`);
  };
  return { id, directory, list, readBytes, readText, readJson };
}
