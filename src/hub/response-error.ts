import { TsumugiError } from "../errors.ts";
import { printable } from "../util/printable.ts";
import type { HubContext } from "./options.ts";
import { badResponse, discard, type HubAnswer, TransientFailure } from "./request.ts";

/** What the Hub answers to a token that it does not know. */
const unknownToken = "Invalid credentials in Authorization header";

/**
 * The error that an unsuccessful answer means; its message says what to do. It is a TransientFailure for 408, 429 and 5xx,
 * else a TsumugiError. The Hub tells the reason in X-Error-Code and X-Error-Message.
 */
export async function responseError(context: HubContext, answer: HubAnswer, file?: string): Promise<Error> {
  const { response, url } = answer;
  await discard(response);
  const { status, headers } = response;
  const code = headers.get("x-error-code");
  const message = headers.get("x-error-message")?.trim();
  const detail = message === undefined ? "" : `: ${printable(message)}`;
  const { repository, revision, endpoint } = context;
  if (status === 408 || status === 429 || status >= 500) {
    return new TransientFailure(url, `HTTP ${status}${detail}`, { retryAfterMs: retryAfter(headers.get("retry-after")) });
  }
  if (code === "RevisionNotFound") return new TsumugiError("hub_revision_not_found", { repository, revision, endpoint });
  if (code === "EntryNotFound") return new TsumugiError("hub_file_not_found", { repository, revision, file });
  if (code === "GatedRepo") {
    const page = `${endpoint}/${repository}`;
    return new TsumugiError("hub_gated", { repository, page, hint: tokenHint(context) });
  }
  if (status === 401 && context.token !== undefined && message?.startsWith(unknownToken)) {
    const { source } = context.token;
    const hint = `the token of ${source} is wrong, was revoked or has expired; use another (https://huggingface.co/settings/tokens), or none`;
    return new TsumugiError("hub_access_denied", { repository, httpStatus: status, detail, hint });
  }
  if (code === "RepoNotFound" || (status === 401 && message !== unknownToken) || (status === 404 && file === undefined)) {
    return new TsumugiError("hub_repository_not_found", { repository, endpoint, hint: tokenHint(context) });
  }
  if (status === 401 || status === 403) {
    return new TsumugiError("hub_access_denied", { repository, httpStatus: status, detail, hint: tokenHint(context) });
  }
  if (status === 404) return new TsumugiError("hub_file_not_found", { repository, revision, file });
  if (status === 407) {
    return badResponse(
      url,
      "the proxy asks for a name and a password (HTTP 407): write them as http://name:password@host:port",
    );
  }
  return badResponse(url, `HTTP ${status}${detail}`);
}

function tokenHint(context: HubContext): string {
  return context.token === undefined
    ? "set HF_TOKEN to a token that may read it (https://huggingface.co/settings/tokens)"
    : `use a token whose account may read it: the one that was sent, of ${context.token.source}, may not`;
}

/** Retry-After is a number of seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
