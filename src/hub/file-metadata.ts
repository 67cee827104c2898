import type { HubContext } from "./options.ts";
import { badResponse, discard, requestHub, withRetries } from "./request.ts";
import { responseError } from "./response-error.ts";

/** What the Hub says of a file before it is downloaded. */
export type FileMetadata = {
  /** Name of the blob: sha256 (64 hex digits) for LFS files, git blob sha1 (40) for others. */
  etag: string;
  /** Bytes, where the server tells. */
  size: number | undefined;
};

/** The address of a file of a repository. */
export function fileUrl(context: HubContext, commit: string, file: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `${context.endpoint}/${context.repository}/resolve/${commit}/${path}`;
}

/**
 * Asks for etag and size. For an LFS file the Hub's redirect carries them (X-Linked-Etag, X-Linked-Size); the storage
 * behind it has others.
 */
export function fileMetadata(context: HubContext, commit: string, file: string, signal?: AbortSignal): Promise<FileMetadata> {
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
      throw badResponse(url, `X-Repo-Commit is ${answeredCommit}, not the commit that was asked for`);
    }
    const etag = normalizeEtag(linked("x-linked-etag") ?? response.headers.get("etag"));
    if (etag === undefined) throw badResponse(url, "it has no usable ETag, so the file cannot be cached or checked");
    const isWhole = response.status === 200 && (response.headers.get("content-encoding") ?? "identity") === "identity";
    return { etag, size: bytes(linked("x-linked-size") ?? (isWhole ? response.headers.get("content-length") : null)) };
  });
}

/** `W/"abc"` and `"abc"` become abc. An etag is used as a file name, so anything unusual is refused. */
function normalizeEtag(value: string | null): string | undefined {
  const etag = value?.replace(/^W\//, "").replace(/^"|"$/g, "");
  return etag !== undefined && /^[\w-][\w.-]{0,199}$/.test(etag) && !etag.endsWith(".incomplete") ? etag : undefined;
}

function bytes(value: string | null): number | undefined {
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}
