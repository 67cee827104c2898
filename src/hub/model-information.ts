import type { HubContext } from "./options.ts";
import { isCommitHash, relativePathProblem } from "./repository-id.ts";
import { badResponse, reasonOf, requestHub, TransientFailure, withRetries } from "./request.ts";
import { responseError } from "./response-error.ts";

/** What a revision is now: its commit and all its files. */
export type ModelInformation = { commit: string; files: string[] };

/**
 * Asks the Hub which commit a revision is and which files it has.
 *
 * Errors: `hub_repository_not_found`, `hub_revision_not_found`, `hub_access_denied`, `hub_unreachable`, `hub_bad_response`.
 */
export function modelInformation(context: HubContext, attempts = context.retry.attempts): Promise<ModelInformation> {
  const url = `${context.endpoint}/api/models/${context.repository}/revision/${encodeURIComponent(context.revision)}`;
  return withRetries(
    context,
    async () => {
      const answer = await requestHub(context, { method: "GET", url, otherHosts: "follow" });
      if (!answer.response.ok) throw await responseError(context, answer);
      return parse(url, await readBody(url, answer.response));
    },
    attempts,
  );
}

async function readBody(url: string, response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw new TransientFailure(url, reasonOf(error), { cause: error });
  }
}

function parse(url: string, text: string): ModelInformation {
  let body: { sha?: unknown; siblings?: unknown };
  try {
    body = JSON.parse(text);
  } catch {
    throw badResponse(url, "it is not JSON");
  }
  const commit = body?.sha;
  if (typeof commit !== "string" || !isCommitHash(commit)) throw badResponse(url, "`sha` is not a commit hash");
  if (!Array.isArray(body.siblings)) throw badResponse(url, "`siblings` is not a list");
  const files = body.siblings.map((sibling: { rfilename?: unknown } | null) => {
    const name = sibling?.rfilename;
    if (typeof name !== "string") throw badResponse(url, "`siblings` has an entry without `rfilename`");
    const problem = relativePathProblem(name);
    if (problem !== undefined) throw badResponse(url, `the file name \`${name}\` is refused: ${problem}`);
    return name;
  });
  return { commit, files };
}
