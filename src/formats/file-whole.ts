import { access, link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { TsumugiError } from "../errors.ts";
import { flush, makeFolders, unwritable } from "./file-folder.ts";

/** Writes bytes at a place of a file. */
export type WriteAt = (bytes: Uint8Array, place: number) => Promise<void>;

/**
 * Writes one file whole or not at all: `fill` writes into a file beside it, whose size it gives, and which takes the name when
 * everything is on the disk. A file that is there already is refused, and left as it is.
 *
 * @throws `output_exists`, `output_unwritable`, and what `fill` throws
 */
export async function writeWholeFile(file: string, fill: (write: WriteAt) => Promise<number>): Promise<void> {
  const target = resolve(file);
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) throw new TsumugiError("output_exists", { directory: file });
  const part = join(dirname(target), `.${basename(target)}.${process.pid}-${Math.random().toString(36).slice(2, 8)}.tmp`);
  try {
    await makeFolders(dirname(target));
    const handle = await open(part, "wx");
    try {
      const size = await fill(async (bytes, place) => {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 26), place + done);
          done += bytesWritten;
        }
      });
      await handle.truncate(size); // what is between and behind the parts is zero
      await handle.sync();
    } finally {
      await handle.close();
    }
    // a link, not a new name: it fails where somebody has made the file meanwhile
    await link(part, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw new TsumugiError("output_exists", { directory: file });
      return rename(part, target); // file systems without links
    });
    await rm(part, { force: true });
    await flush(dirname(target));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined); // below a file there is nothing
    const isOfSystem = !TsumugiError.isInstance(error) && typeof (error as NodeJS.ErrnoException).syscall === "string";
    throw isOfSystem ? unwritable(file, error as Error) : error;
  }
}
