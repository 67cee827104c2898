import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { FileMetadata } from "./file-metadata.ts";

/** How a file differs from what the Hub says it is. */
export type Mismatch = { what: "size" | "sha256" | "git blob sha1"; expected: string; given: string };

/**
 * Reads a file and compares its size, and its hash where the blob is named by one: sha256 (64 hex digits) or git blob sha1
 * (40: sha1 of "blob <size>\0" and the content). Returns undefined when all is well.
 */
export async function findMismatch(
  file: FileHandle,
  { blob, size: expected }: FileMetadata,
  signal?: AbortSignal,
): Promise<Mismatch | undefined> {
  const { size } = await file.stat();
  if (expected !== undefined && size !== expected) {
    return { what: "size", expected: `${expected} bytes`, given: `${size} bytes` };
  }
  const isSha256 = /^[0-9a-f]{64}$/.test(blob);
  const isGitSha1 = /^[0-9a-f]{40}$/.test(blob);
  if (!isSha256 && !isGitSha1) return undefined; // a mirror has etags of its own, so only the size can be compared
  const hash = createHash(isSha256 ? "sha256" : "sha1");
  if (isGitSha1) hash.update(`blob ${size}\0`);
  const stream = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20, signal });
  for await (const chunk of stream) hash.update(chunk);
  const given = hash.digest("hex");
  if (given === blob) return undefined;
  return { what: isSha256 ? "sha256" : "git blob sha1", expected: blob, given };
}
