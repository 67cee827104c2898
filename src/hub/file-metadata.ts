import { createHash } from "node:crypto";
import { printable } from "../util/printable.ts";
import type { ListedFile } from "./model-information.ts";
import type { HubContext } from "./options.ts";
import { isContentHash } from "./repository-id.ts";
import { badResponse, discard, requestHub, withRetries } from "./request.ts";
import { responseError } from "./response-error.ts";

/** What the Hub says of a file before it is downloaded. */
export type FileMetadata = {
  /** Name of the blob: sha256 (64 hex digits) for LFS files, git blob sha1 (40) for others; else made of etag and file name. */
  blob: string;
  /** Bytes, where the server tells. */
  size: number | undefined;
  /** Most bytes that are taken. */
  limit: number;
  /** Whether bytes of an earlier attempt belong to this file: not where only a weak etag says that it is the same. */
  isResumable: boolean;
};

/** A file of a commit, with what the listing of the repository tells of it. */
export type WantedFile = ListedFile & { commit: string; file: string };

/** The longest text that V8 holds; configuration, vocabularies and templates are read into one. */
export const readWholeLimit = 512 * 1024 * 1024;
/** Python's limit for a download over plain HTTP: 50 GB. Here it holds for files whose size nobody tells. */
const unknownSizeLimit = 50e9;

/** The address of a file of a repository. */
export function fileUrl(context: HubContext, commit: string, file: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `${context.endpoint}/${context.repository}/resolve/${commit}/${path}`;
}

/**
 * Asks for etag and size. For an LFS file the Hub's redirect carries them (X-Linked-Etag, X-Linked-Size); the storage
 * behind it has others.
 */
export function fileMetadata(context: HubContext, wanted: WantedFile, signal?: AbortSignal): Promise<FileMetadata> {
  const { commit, file } = wanted;
  const url = fileUrl(context, commit, file);
  return withRetries(context, async () => {
    const answer = await requestHub(context, { method: "HEAD", url, otherHosts: "return", signal });
    const { response } = answer;
    if (response.status >= 400) throw await responseError(context, answer, file);
    await discard(response);
    const heads = [response.headers, ...answer.redirects.toReversed()];
    const linked = (name: string) => heads.map((headers) => headers.get(name)).find((value) => value !== null) ?? null;
    const answeredCommit = linked("x-repo-commit");
    if (answeredCommit !== null && answeredCommit !== commit) {
      throw badResponse(url, `X-Repo-Commit is ${printable(answeredCommit)}, not the commit that was asked for`);
    }
    const named = nameOfBlob(linked("x-linked-etag") ?? response.headers.get("etag"), wanted);
    if (named === undefined) throw badResponse(url, "it has no ETag, so the file cannot be cached or checked");
    const isWhole = response.status === 200 && (response.headers.get("content-encoding") ?? "identity") === "identity";
    const length = isWhole ? response.headers.get("content-length") : null;
    const size = bytes(linked("x-linked-size")) ?? bytes(length) ?? wanted.size;
    const limit = /\.(json|txt|jinja|model)$/.test(file) ? readWholeLimit : (size ?? unknownSizeLimit);
    if (size !== undefined && size > limit) {
      throw badResponse(url, `the file would have ${size} bytes, and one that is read whole may have ${limit}`);
    }
    return { ...named, size, limit };
  });
}

/**
 * The Hub's etags are hashes of the content, so that equal ones are equal files: `W/"abc"` and `"abc"` become abc. Other
 * servers count, or date, their files: such an etag says nothing beyond its own address, and may hold any character. The hash in
 * the listing takes its place where there is one.
 */
function nameOfBlob(value: string | null, { file, hash }: WantedFile): Pick<FileMetadata, "blob" | "isResumable"> | undefined {
  const etag = value?.trim().replace(/^W\//, "").replace(/^"|"$/g, "") ?? "";
  if (etag === "") return undefined;
  if (isContentHash(etag)) return { blob: etag, isResumable: true };
  if (hash !== undefined) return { blob: hash, isResumable: true };
  const own = createHash("sha1").update(`${file}\n${etag}`).digest("hex");
  return { blob: `etag-${own}`, isResumable: !value?.trim().startsWith("W/") };
}

function bytes(value: string | null): number | undefined {
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
