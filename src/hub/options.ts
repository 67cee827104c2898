import { resolve } from "node:path";
import { TsumugiError } from "../errors.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { listed, refuseUnknown } from "../util/unknown-options.ts";
import { expandPath, readHubEnvironment } from "./environment.ts";
import { relativePathProblem } from "./repository-id.ts";
import { findToken } from "./token.ts";

/** The progress of a download. `totalBytes` is 0 until the server has told the size. */
export type DownloadProgress = {
  status: "start" | "progress" | "done" | "cached";
  repository: string;
  file: string;
  loadedBytes: number;
  totalBytes: number;
};

/** How often to try again after dropped connections, HTTP 408, 429 and 5xx. An attempt that brought bytes starts the count anew. */
export type RetryPolicy = {
  /** How many attempts may follow each other without progress. Default 5. */
  attempts: number;
  /** The wait before the second attempt, in milliseconds. It doubles each time. Default 500. */
  baseDelayMs: number;
  /** Longest wait in milliseconds. A server's Retry-After up to a minute is waited for in full. Default 8,000. */
  maxDelayMs: number;
};

/** Options of everything that reads from the Hub. */
export type HubOptions = {
  /** Branch, tag, commit hash or `refs/pr/N`. Default "main". */
  revision?: string;
  /** Cache folder. Default: HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cacheDir?: string;
  /** Access token; "" sends none. Default: HF_TOKEN or the token file, see `findToken`. */
  token?: string;
  /** Use the cache only. Default false, or true where HF_HUB_OFFLINE=1. */
  localFilesOnly?: boolean;
  /** Base address of the Hub. Default HF_ENDPOINT or https://huggingface.co. */
  endpoint?: string;
  /** Called at the start and the end of each file, and at most ten times a second between. */
  onProgress?: (event: DownloadProgress) => void;
  /** Stops at once (error `aborted`). Bytes that have arrived stay as `.incomplete` and are used by the next attempt. */
  signal?: AbortSignal;
  /** The function that fetches, for example through a proxy. Default: the global fetch. */
  fetch?: typeof fetch;
  retry?: Partial<RetryPolicy>;
};

/** One repository at one revision, with every setting decided. */
export type HubContext = {
  repository: string;
  revision: string;
  cacheDirectory: string;
  endpoint: string;
  token: string | undefined;
  offline: boolean;
  /** Why the network is not used, when it is not. */
  offlineReason: string;
  symlinks: boolean;
  fetch: typeof fetch;
  signal: AbortSignal | undefined;
  onProgress: (event: DownloadProgress) => void;
  retry: RetryPolicy;
  metadataTimeoutMs: number;
  downloadTimeoutMs: number;
};

const types = {
  revision: "string",
  cacheDir: "string",
  token: "string",
  localFilesOnly: "boolean",
  endpoint: "string",
  onProgress: "function",
  signal: "signal",
  fetch: "function",
} as const;

/** Refuses unknown options and values of wrong types. Errors: `unknown_option`, `invalid_option`, `invalid_input`. */
export function checkHubOptions(options: object, others: readonly string[] = []): void {
  checkOptionTypes(options, types);
  const known = [...Object.keys(types), "retry", ...others];
  refuseUnknown(options, known, {}, listed(known));
}

/** Decides every setting of a call from its options and the environment. Error: `invalid_option`. */
export async function hubContext(repository: string, options: HubOptions): Promise<HubContext> {
  const environment = readHubEnvironment();
  const revision = options.revision ?? "main";
  const problem = relativePathProblem(revision);
  if (problem !== undefined) invalid("revision", `a branch, tag or commit (${problem})`, revision);
  const endpoint = (options.endpoint ?? environment.endpoint).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) invalid("endpoint", "an http(s) address", endpoint);
  const retry = { attempts: 5, baseDelayMs: 500, maxDelayMs: 8000, ...options.retry };
  if (!(retry.attempts >= 1)) invalid("retry.attempts", "at least 1", retry.attempts);
  return {
    repository,
    revision,
    endpoint,
    cacheDirectory: resolve(options.cacheDir === undefined ? environment.cacheDirectory : expandPath(options.cacheDir)),
    token: await findToken(options.token, environment),
    offline: environment.offline || options.localFilesOnly === true,
    offlineReason: environment.offline
      ? "HF_HUB_OFFLINE forbids downloads: unset it to get the missing files."
      : "`localFilesOnly` forbids downloads: call without it to get the missing files.",
    symlinks: !environment.symlinksDisabled,
    fetch: options.fetch ?? globalThis.fetch,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
    retry,
    metadataTimeoutMs: environment.metadataTimeoutMs,
    downloadTimeoutMs: environment.downloadTimeoutMs,
  };
}

function invalid(option: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_option", { option, expected, given });
}
