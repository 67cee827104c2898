import { printable } from "../util/printable.ts";
import { fileNameProblem } from "./file-name.ts";
import type { HubContext } from "./options.ts";
import { readBody } from "./read-body.ts";
import { isCommitHash, isContentHash } from "./repository-id.ts";
import { badResponse, requestHub, withRetries } from "./request.ts";
import { responseError } from "./response-error.ts";

/** What a revision is now: its commit, and all its files with what the Hub tells of each. */
export type ModelInformation = { commit: string; files: string[]; listed: ReadonlyMap<string, ListedFile> };

/** What the listing of a repository tells of a file: where the Hub tells it, its bytes, and its SHA-256 or git blob SHA-1. */
export type ListedFile = { size?: number; hash?: string };

/**
 * Asks the Hub which commit a revision is and which files it has.
 *
 * Errors: `hub_repository_not_found`, `hub_revision_not_found`, `hub_access_denied`, `hub_unreachable`, `hub_bad_response`.
 */
export function modelInformation(context: HubContext, attempts = context.retry.attempts): Promise<ModelInformation> {
  const revision = encodeURIComponent(context.revision);
  const url = `${context.endpoint}/api/models/${context.repository}/revision/${revision}?blobs=true`;
  return withRetries(
    context,
    async () => {
      const answer = await requestHub(context, { method: "GET", url, otherHosts: "follow" });
      if (!answer.response.ok) throw await responseError(context, answer);
      return parse(url, await readBody(context, answer));
    },
    attempts,
  );
}

type Sibling = {
  rfilename?: unknown;
  size?: unknown;
  blobId?: unknown;
  lfs?: { size?: unknown; sha256?: unknown } | null;
} | null;

function parse(url: string, text: string): ModelInformation {
  let body: { sha?: unknown; siblings?: unknown } | null;
  try {
    body = JSON.parse(text);
  } catch {
    throw badResponse(url, "it is not JSON");
  }
  const commit = body?.sha;
  if (typeof commit !== "string" || !isCommitHash(commit)) throw badResponse(url, "`sha` is not a commit hash");
  if (!Array.isArray(body?.siblings)) throw badResponse(url, "`siblings` is not a list");
  const listed = new Map<string, ListedFile>();
  for (const sibling of body.siblings as Sibling[]) {
    const name = sibling?.rfilename;
    if (typeof name !== "string") throw badResponse(url, "`siblings` has an entry without `rfilename`");
    const problem = fileNameProblem(name);
    if (problem !== undefined) throw badResponse(url, `the file name \`${printable(name)}\` is refused: ${problem}`);
    listed.set(name, listedFile(sibling));
  }
  return { commit, files: [...listed.keys()], listed };
}

function listedFile(sibling: Sibling): ListedFile {
  const size = sibling?.lfs?.size ?? sibling?.size;
  const hash = sibling?.lfs ? sibling.lfs.sha256 : sibling?.blobId;
  return {
    ...(typeof size === "number" && Number.isSafeInteger(size) && size >= 0 && { size }),
    ...(typeof hash === "string" && isContentHash(hash) && { hash }),
  };
}
