import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { TsumugiError } from "../errors.ts";
import type { CachePaths } from "./cache-paths.ts";
import { fetchContent } from "./fetch-content.ts";
import { type FileMetadata, fileMetadata, fileUrl, type WantedFile } from "./file-metadata.ts";
import { withLock } from "./lock.ts";
import type { HubContext } from "./options.ts";
import { openPartFile } from "./part-file.ts";
import { FileProgress } from "./progress.ts";
import { throwIfAborted } from "./request.ts";
import { fileSize, writeCacheTag, writePointer } from "./snapshot.ts";
import { storageError } from "./storage-error.ts";
import { findMismatch } from "./verify.ts";

/**
 * Brings one file of a commit into the snapshot, unless it is there with the size that it should have.
 *
 * A blob appears under its name only when it is whole and verified; until then it is `blobs/<etag>.incomplete`. With
 * `forceDownload` nothing that lies in the cache is used, and the new blob takes the place of the old one at the end.
 *
 * Errors: those of the Hub, `hub_corrupt_download`, `hub_disk_full`, `hub_cache_not_writable`, `aborted`.
 */
export async function downloadFile(
  context: HubContext,
  paths: CachePaths,
  wanted: WantedFile,
  signal?: AbortSignal,
): Promise<void> {
  const { commit, file } = wanted;
  const pointer = paths.pointer(commit, file);
  throwIfAborted(context, signal);
  const present = context.forceDownload ? undefined : await fileSize(pointer);
  if (present !== undefined && present === (wanted.size ?? present)) {
    new FileProgress(context, file, present).cached(present);
    return;
  }
  const metadata = await fileMetadata(context, wanted, signal);
  const blob = paths.blob(metadata.blob);
  try {
    await mkdir(dirname(blob), { recursive: true });
    await writeCacheTag(paths);
    await withLock(context, paths.lock(metadata.blob), () => fill(context, paths, wanted, metadata, signal), signal);
  } catch (error) {
    throw await storageError(error, blob, file, metadata.size);
  }
}

async function fill(
  context: HubContext,
  paths: CachePaths,
  { commit, file }: WantedFile,
  metadata: FileMetadata,
  signal?: AbortSignal,
) {
  const progress = new FileProgress(context, file, metadata.size);
  const pointer = paths.pointer(commit, file);
  const blob = paths.blob(metadata.blob);
  if (!context.forceDownload) {
    const isWhole = (size: number) => size === (metadata.size ?? size);
    const linked = await fileSize(pointer); // another process may have finished while we waited for the lock
    if (linked !== undefined && isWhole(linked)) return progress.cached(linked);
    const existing = await fileSize(blob);
    if (existing !== undefined && isWhole(existing)) {
      await writePointer(pointer, blob, { symlinks: context.symlinks, newBlob: false });
      return progress.cached(existing);
    }
  }
  const incomplete = paths.incomplete(metadata.blob);
  const url = fileUrl(context, commit, file);
  const attempt = async (fresh: boolean) => {
    const output = await openPartFile(incomplete, fresh);
    try {
      const { inPieces } = await fetchContent(context, { url, file, metadata, output, progress, signal });
      const signals = [signal, context.signal].filter((each) => each !== undefined);
      const mismatch = await findMismatch(output, metadata, AbortSignal.any(signals)).catch((error) => {
        throwIfAborted(context, signal);
        throw error;
      });
      if (mismatch === undefined) return (await output.stat()).size;
      if (inPieces && !fresh) return undefined; // pieces of different files may be to blame
      throw new TsumugiError("hub_corrupt_download", { repository: context.repository, file, ...mismatch });
    } catch (error) {
      if (TsumugiError.isInstance(error) && error.code === "hub_corrupt_download") await rm(incomplete, { force: true });
      throw error;
    } finally {
      await output.close();
    }
  };
  const size = (await attempt(context.forceDownload || !metadata.isResumable)) ?? (await attempt(true)) ?? 0;
  await rename(incomplete, blob);
  await writePointer(pointer, blob, { symlinks: context.symlinks, newBlob: true });
  progress.done(size);
}
