import { TsumugiError } from "../errors.ts";
import { printable } from "../util/printable.ts";
import { hasCauseCode, reasonOf } from "./failure-reason.ts";
import type { HubContext } from "./options.ts";
import { shownUrl } from "./shown-url.ts";

/** A failure that another attempt may cure: a dropped connection, a timeout, HTTP 408, 429 or 5xx. */
export class TransientFailure extends Error {
  override readonly name = "TransientFailure";
  readonly url: string;
  readonly retryAfterMs: number | undefined;
  /** What is thrown when no attempt is left. Default: `hub_unreachable`. */
  readonly final: TsumugiError | undefined;

  constructor(url: string, reason: string, options: { retryAfterMs?: number; cause?: unknown; final?: TsumugiError } = {}) {
    super(reason, { cause: options.cause });
    this.url = url;
    this.retryAfterMs = options.retryAfterMs;
    this.final = options.final;
  }
}

export type HubRequest = {
  method: "GET" | "HEAD";
  url: string;
  headers?: Record<string, string>;
  /** What to do with a redirect to another host: follow it (without the token), or return it as the answer. */
  otherHosts: "follow" | "return";
  signal?: AbortSignal;
};

/** The last answer, where it came from, and the headers of the redirects that led there, oldest first. */
export type HubAnswer = { response: Response; url: string; redirects: Headers[] };

const maxRedirects = 10;
const redirectStatuses = [301, 302, 303, 307, 308];

/**
 * Sends one request and follows redirects by hand, because the token may go to the Hub's host only. It waits for the head of
 * an answer at most `metadataTimeoutMs`; the body has no limit here. Throws TransientFailure when no answer comes, `aborted`.
 */
export async function requestHub(context: HubContext, request: HubRequest): Promise<HubAnswer> {
  const redirects: Headers[] = [];
  let url = request.url;
  while (true) {
    const response = await fetchHead(context, request, url);
    const location = response.headers.get("location");
    if (!redirectStatuses.includes(response.status) || location === null) return { response, url, redirects };
    const target = redirectTarget(location, url);
    if (request.otherHosts === "return" && !mayHaveToken(context, target)) return { response, url, redirects };
    await discard(response);
    redirects.push(response.headers);
    if (redirects.length > maxRedirects) throw badResponse(request.url, `more than ${maxRedirects} redirects`);
    url = target;
  }
}

/** Only the web is followed: `fetch` would open a `data:` address, which nobody has served. */
function redirectTarget(location: string, url: string): string {
  const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol) || target.username !== "" || target.password !== "") {
    throw badResponse(url, `it redirects to \`${printable(location)}\``);
  }
  return target.href;
}

async function fetchHead(context: HubContext, request: HubRequest, url: string): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "tsumugi", ...request.headers };
  if (context.token !== undefined && mayHaveToken(context, url)) headers.authorization = `Bearer ${context.token.value}`;
  const timeout = new AbortController();
  const signals = [timeout.signal, request.signal, context.signal].filter((signal) => signal !== undefined);
  const timer = setTimeout(() => timeout.abort(), context.metadataTimeoutMs);
  try {
    return await context.fetch(url, { method: request.method, headers, redirect: "manual", signal: AbortSignal.any(signals) });
  } catch (error) {
    throwIfAborted(context, request.signal);
    if (timeout.signal.aborted)
      throw new TransientFailure(url, `no answer in ${context.metadataTimeoutMs} ms (HF_HUB_ETAG_TIMEOUT)`, { cause: error });
    if (TsumugiError.isInstance(error)) throw error;
    if (hasCauseCode(error, "UND_ERR_HEADERS_OVERFLOW")) {
      throw badResponse(url, "its headers are longer than what Node accepts (`--max-http-header-size`, 16 KiB by default)");
    }
    throw new TransientFailure(url, reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** True for the endpoint itself (same host and port, never from https down to http) and for the Hub's own hosts over https. */
function mayHaveToken(context: HubContext, url: string): boolean {
  const target = new URL(url);
  const endpoint = new URL(context.endpoint);
  if (target.host === endpoint.host) return target.protocol === endpoint.protocol || target.protocol === "https:";
  return target.protocol === "https:" && ["huggingface.co", "hf.co"].includes(target.host);
}

/** Runs `operation` until it succeeds, fails for good, or the attempts are used up (`hub_unreachable`). */
export async function withRetries<T>(
  context: HubContext,
  operation: () => Promise<T>,
  attempts = context.retry.attempts,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      await waitBeforeRetry(context, error, attempt, attempts);
    }
  }
}

/** Waits after attempt number `attempt` failed with `error`. Throws when no other attempt may follow. */
export async function waitBeforeRetry(
  context: HubContext,
  error: unknown,
  attempt: number,
  attempts: number,
  signal?: AbortSignal,
) {
  if (!(error instanceof TransientFailure)) throw error;
  const longest = Math.max(60_000, context.retry.maxDelayMs);
  const tooLong = (error.retryAfterMs ?? 0) > longest;
  if (attempt >= attempts || tooLong) {
    const reason = tooLong
      ? `${error.message}; it asks to wait ${Math.ceil((error.retryAfterMs ?? 0) / 1000)} s`
      : error.message;
    if (error.final !== undefined && !tooLong) throw error.final;
    const url = shownUrl(error.url);
    throw new TsumugiError("hub_unreachable", { url, attempts: attempt, reason }, { cause: error });
  }
  const backoff = Math.min(context.retry.baseDelayMs * 2 ** (attempt - 1), context.retry.maxDelayMs);
  await sleep(context, Math.max(backoff * (0.75 + Math.random() / 4), error.retryAfterMs ?? 0), signal);
}

/** Waits, unless the call is aborted. */
export async function sleep(context: HubContext, milliseconds: number, signal?: AbortSignal): Promise<void> {
  const signals = [signal, context.signal].filter((each) => each !== undefined);
  const any = AbortSignal.any(signals);
  if (!any.aborted) {
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        any.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, milliseconds);
      any.addEventListener("abort", finish);
    });
  }
  throwIfAborted(context, signal);
}

/** Throws `aborted` when the caller, or the download that this is a part of, was stopped. */
export function throwIfAborted(context: HubContext, signal?: AbortSignal): void {
  if (context.signal?.aborted) throw new TsumugiError("aborted", {}, { cause: context.signal.reason });
  if (signal?.aborted) throw new TsumugiError("aborted", {}, { cause: signal.reason });
}

/** Drops the body of an answer that nobody reads, so that its connection is free again. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** The error of an answer that a Hub does not give. `reason` shows what the server wrote only through `printable`. */
export function badResponse(url: string, reason: string): TsumugiError {
  return new TsumugiError("hub_bad_response", { url: shownUrl(url), reason });
}
