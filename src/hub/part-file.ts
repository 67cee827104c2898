import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

/** O_NOFOLLOW and O_NONBLOCK do not exist on Windows, whose cache folders belong to one user. */
const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Opens the file that collects the bytes of a download, for reading and writing.
 *
 * Where others may write in the cache, what lies at this path may be theirs: a link to a file of ours, which would be
 * overwritten, or a pipe, at which we would wait. Only a regular file that is our own and has one name is used; anything
 * else is removed, and a new file made. `fresh`: nothing that lies there is used.
 */
export async function openPartFile(path: string, fresh = false): Promise<FileHandle> {
  const existing = fresh ? undefined : await openOwn(path);
  if (existing !== undefined) return existing;
  await rm(path, { force: true });
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
}

async function openOwn(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined; // it is not there, is a link, or may not be written: a new one is made, or that fails with the reason
  }
  const found = await file.stat();
  const isOurs = process.getuid === undefined || found.uid === process.getuid();
  if (found.isFile() && found.nlink === 1 && isOurs) return file;
  await file.close();
  return undefined;
}
