import { access, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { TsumugiError } from "../errors.ts";

/**
 * Writes a folder whole or not at all: `fill` writes into a folder beside it, which takes the name when everything is on the
 * disk. A folder that holds anything already is refused, and left as it is.
 *
 * @throws `output_exists`, `output_unwritable`, and what `fill` throws
 */
export async function writeFolder(directory: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(directory);
  const held = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw unwritable(directory, error);
  });
  if (held.length > 0) throw new TsumugiError("output_exists", { directory });
  const parent = dirname(target);
  const folder = join(parent, `.${basename(target)}.${process.pid}-${Math.random().toString(36).slice(2, 8)}.tmp`);
  try {
    await makeFolders(parent);
    await mkdir(folder);
    await fill(folder);
    await flush(folder);
    await rmdir(target).catch(() => undefined); // an empty one, where there is one
    await rename(folder, target);
    await flush(parent);
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined); // below a file there is nothing
    const isOfSystem = !TsumugiError.isInstance(error) && typeof (error as NodeJS.ErrnoException).syscall === "string";
    throw isOfSystem ? unwritable(directory, error as Error) : error;
  }
}

/**
 * Makes a folder and those above it that are missing, one by one: Node's recursive `mkdir` never ends where the system says that
 * an existing parent is not there, as /proc does.
 */
export async function makeFolders(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let path = folder; !(await exists(path)); path = dirname(path)) {
    missing.push(path);
    if (dirname(path) === path) break;
  }
  for (const path of missing.reverse()) {
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error; // another process was quicker
    });
  }
}

/** Writes a file and waits until it is on the disk. */
export async function writeWhole(file: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  await makeFolders(dirname(file));
  const handle = await open(file, "wx");
  try {
    for await (const part of parts) {
      for (let done = 0; done < part.length; ) {
        const { bytesWritten } = await handle.write(part, done, Math.min(part.length - done, 1 << 26));
        done += bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Names are on the disk only when their folder is. Systems that cannot open folders do without. */
export async function flush(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** What the system said against writing. */
export function unwritable(directory: string, cause: Error): TsumugiError {
  return new TsumugiError("output_unwritable", { directory, reason: cause.message }, { cause });
}
