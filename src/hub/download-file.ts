import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { TsumugiError } from "../errors.ts";
import type { CachePaths } from "./cache-paths.ts";
import { fetchContent } from "./fetch-content.ts";
import { type FileMetadata, fileMetadata, fileUrl } from "./file-metadata.ts";
import { withLock } from "./lock.ts";
import type { HubContext } from "./options.ts";
import { FileProgress } from "./progress.ts";
import { throwIfAborted } from "./request.ts";
import { fileSize, writeCacheTag, writePointer } from "./snapshot.ts";
import { storageError } from "./storage-error.ts";
import { findMismatch } from "./verify.ts";

/**
 * Brings one file of a commit into the snapshot, unless it is there.
 *
 * A blob appears under its name only when it is whole and verified; until then it is `blobs/<etag>.incomplete`.
 *
 * Errors: those of the Hub, `hub_corrupt_download`, `hub_disk_full`, `hub_cache_not_writable`, `aborted`.
 */
export async function downloadFile(
  context: HubContext,
  paths: CachePaths,
  commit: string,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  const pointer = paths.pointer(commit, file);
  throwIfAborted(context, signal);
  const present = await fileSize(pointer);
  if (present !== undefined) {
    new FileProgress(context, file, present).cached(present);
    return;
  }
  const metadata = await fileMetadata(context, commit, file, signal);
  const blob = paths.blob(metadata.etag);
  try {
    await mkdir(dirname(blob), { recursive: true });
    await writeCacheTag(paths);
    await withLock(context, paths.lock(metadata.etag), () => fill(context, paths, commit, file, metadata, signal), signal);
  } catch (error) {
    throw await storageError(error, blob, file, metadata.size);
  }
}

async function fill(
  context: HubContext,
  paths: CachePaths,
  commit: string,
  file: string,
  metadata: FileMetadata,
  signal?: AbortSignal,
) {
  const progress = new FileProgress(context, file, metadata.size);
  const pointer = paths.pointer(commit, file);
  const blob = paths.blob(metadata.etag);
  const linked = await fileSize(pointer); // another process may have finished while we waited for the lock
  if (linked !== undefined) return progress.cached(linked);
  const existing = await fileSize(blob);
  if (existing !== undefined && (metadata.size === undefined || existing === metadata.size)) {
    await writePointer(pointer, blob, { symlinks: context.symlinks, newBlob: false });
    return progress.cached(existing);
  }
  const incomplete = paths.incomplete(metadata.etag);
  const url = fileUrl(context, commit, file);
  const inherited = (await fileSize(incomplete)) ?? 0;
  const request = { url, file, metadata, path: incomplete, progress, signal };
  await fetchContent(context, request);
  let mismatch = await verify(context, incomplete, metadata, signal);
  if (mismatch !== undefined && inherited > 0) {
    await rm(incomplete, { force: true }); // the bytes of an earlier attempt may be to blame
    await fetchContent(context, request);
    mismatch = await verify(context, incomplete, metadata, signal);
  }
  if (mismatch !== undefined) {
    await rm(incomplete, { force: true });
    throw new TsumugiError("hub_corrupt_download", { repository: context.repository, file, ...mismatch });
  }
  const size = (await fileSize(incomplete)) ?? 0;
  await rename(incomplete, blob);
  await writePointer(pointer, blob, { symlinks: context.symlinks, newBlob: true });
  progress.done(size);
}

async function verify(context: HubContext, path: string, metadata: FileMetadata, signal?: AbortSignal) {
  const signals = [signal, context.signal].filter((each) => each !== undefined);
  return findMismatch(path, metadata, AbortSignal.any(signals)).catch((error) => {
    throwIfAborted(context, signal);
    throw error;
  });
}
