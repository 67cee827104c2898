import { TsumugiError } from "../errors.ts";
import { type ModelFiles, modelFilesOf } from "./model-files.ts";

/**
 * The files of a model as bytes that the caller has: dropped into a page, unpacked from an archive, read from a store.
 *
 * @param files bytes by name, as a folder of a Hub repository has them: `config.json`, `tokenizer.json`, `model.safetensors` …
 * @throws `invalid_input` where a file is not bytes
 *
 * @example
 * ```ts
 * const dropped = await Promise.all([...input.files].map(async (file) => [file.name, await file.arrayBuffer()]));
 * const model = await loadFromFiles(filesInMemory(Object.fromEntries(dropped)));
 * ```
 */
export function filesInMemory(files: { readonly [name: string]: Uint8Array | ArrayBuffer }): ModelFiles {
  const bytes = new Map<string, Uint8Array>();
  for (const [name, content] of Object.entries(files)) {
    const isBytes = content instanceof Uint8Array || content instanceof ArrayBuffer;
    if (!isBytes) {
      throw new TsumugiError("invalid_input", {
        what: `The file ${name}`,
        expected: "a Uint8Array or an ArrayBuffer",
        given: content,
      });
    }
    bytes.set(name, content instanceof ArrayBuffer ? new Uint8Array(content) : content);
  }
  return modelFilesOf({
    id: "files in memory",
    directory: "memory",
    list: async () => [...bytes.keys()].sort(),
    readBytes: async (file) => bytes.get(file),
  });
}
