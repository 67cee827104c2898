import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { TsumugiError } from "../errors.ts";

/** Turns a failure of the disk into an error that says what to do. Anything else comes back as it is. */
export async function storageError(error: unknown, path: string, file: string, neededBytes?: number): Promise<unknown> {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    const free = await statfs(dirname(path)).then(
      (disk) => `${disk.bavail * disk.bsize} bytes`,
      () => "an unknown number of bytes",
    );
    return new TsumugiError("hub_disk_full", { path, file, needed: neededBytes ?? "more", free }, { cause: error });
  }
  // only the system's own errors have a number
  if (errno !== undefined) {
    return new TsumugiError("hub_cache_not_writable", { path, reason: code }, { cause: error });
  }
  return error;
}
