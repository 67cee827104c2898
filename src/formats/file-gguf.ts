import { type FileHandle, open } from "node:fs/promises";
import { TsumugiError } from "../errors.ts";
import { readGgufHeader } from "./gguf/header.ts";
import { assembleGguf, type GgufModel, type GgufPart } from "./gguf/model.ts";

/**
 * Opens a model of GGUF files: one, or all parts of a split one in their order. Only headers and a few small tensors are read.
 *
 * @throws TsumugiError `file_unreadable`, `gguf_invalid`, `gguf_unsupported`
 * @example
 * ```ts
 * const { config, checkpoint } = await openGguf(["models/tiny-Q4_K_M.gguf"]);
 * console.log(config.model_type, checkpoint.tensors().length);
 * await checkpoint.close();
 * ```
 */
export async function openGguf(paths: readonly string[]): Promise<GgufModel> {
  const parts: OpenPart[] = [];
  const close = async () => {
    await Promise.all(parts.map(({ handle }) => handle.close()));
  };
  try {
    for (const path of paths) parts.push(await openPart(path));
    return await assembleGguf(parts, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** The metadata of a GGUF file alone. */
export async function readGgufMetadata(path: string): Promise<GgufModel["metadata"]> {
  const { handle, header } = await openPart(path);
  await handle.close();
  return header.metadata;
}

interface OpenPart extends GgufPart {
  handle: FileHandle;
}

async function openPart(file: string): Promise<OpenPart> {
  const handle = await open(file, "r").catch((cause: unknown) => unreadable(file, cause));
  const read = async (offset: number, bytes: number) => {
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes; ) {
      const length = Math.min(bytes - done, 1 << 30);
      const { bytesRead } = await handle
        .read(data, done, length, offset + done)
        .catch((cause: unknown) => unreadable(file, cause));
      if (bytesRead === 0) unreadable(file, new Error("the file became shorter while it was read"));
      done += bytesRead;
    }
    return data;
  };
  try {
    const { size } = await handle.stat();
    const header = await readGgufHeader(file, size, read);
    return { file, handle, header, read, locate: (offset, bytes) => ({ file, offset, bytes }) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function unreadable(file: string, cause: unknown): never {
  throw new TsumugiError("file_unreadable", { file, reason: (cause as Error).message }, { cause });
}
