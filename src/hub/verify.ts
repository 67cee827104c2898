import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { FileMetadata } from "./file-metadata.ts";

/** How a file differs from what the Hub says it is. */
export type Mismatch = { what: "size" | "sha256" | "git blob sha1"; expected: string; given: string };

/**
 * Reads a file and compares its size, and its hash where the etag is one: sha256 (64 hex digits) or git blob sha1 (40:
 * sha1 of "blob <size>\0" and the content). Returns undefined when all is well.
 */
export async function findMismatch(path: string, metadata: FileMetadata, signal?: AbortSignal): Promise<Mismatch | undefined> {
  const { size } = await stat(path);
  if (metadata.size !== undefined && size !== metadata.size) {
    return { what: "size", expected: `${metadata.size} bytes`, given: `${size} bytes` };
  }
  const isSha256 = /^[0-9a-f]{64}$/.test(metadata.etag);
  const isGitSha1 = /^[0-9a-f]{40}$/.test(metadata.etag);
  if (!isSha256 && !isGitSha1) return undefined; // a mirror has etags of its own, so only the size can be compared
  const hash = createHash(isSha256 ? "sha256" : "sha1");
  if (isGitSha1) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk);
  const given = hash.digest("hex");
  if (given === metadata.etag) return undefined;
  return { what: isSha256 ? "sha256" : "git blob sha1", expected: metadata.etag, given };
}
