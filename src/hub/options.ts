import { resolve } from "node:path";
import { TsumugiError } from "../errors.ts";
import { checkIsOptions, checkOptionTypes } from "../util/option-types.ts";
import type { PartialFields } from "../util/partial-fields.ts";
import type { GlobalFetch } from "../util/platform-types.ts";
import { listed, refuseUnknown } from "../util/unknown-options.ts";
import { expandPath, readHubEnvironment } from "./environment.ts";
import { proxiedFetch } from "./proxied-fetch.ts";
import { relativePathProblem } from "./repository-id.ts";
import { shownUrl } from "./shown-url.ts";
import { type FoundToken, locateToken } from "./token.ts";

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
  revision?: string | undefined;
  /** Cache folder. Default: HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cacheDir?: string | undefined;
  /** Access token; "" sends none. Default: HF_TOKEN or the token file, see `findToken`. */
  token?: string | undefined;
  /** Use the cache only. Default false, or true where HF_HUB_OFFLINE=1. */
  localFilesOnly?: boolean | undefined;
  /** Download again what is cached, without using any of it. Default false; not together with an offline mode. */
  forceDownload?: boolean | undefined;
  /** Base address of the Hub. Default HF_ENDPOINT or https://huggingface.co. */
  endpoint?: string | undefined;
  /** Called at the start and the end of each file, and at most ten times a second between. */
  onProgress?: ((event: DownloadProgress) => void) | undefined;
  /** Stops at once (error `aborted`). Bytes that have arrived stay as `.incomplete` and are used by the next attempt. */
  signal?: AbortSignal | undefined;
  /** The function that fetches. Default: the global fetch, or one that goes through the proxies of the environment. */
  fetch?: GlobalFetch | undefined;
  retry?: PartialFields<RetryPolicy> | undefined;
};

/** One repository at one revision, with every setting decided. */
export type HubContext = {
  repository: string;
  revision: string;
  cacheDirectory: string;
  endpoint: string;
  token: FoundToken | undefined;
  offline: boolean;
  /** Why the network is not used, when it is not. */
  offlineReason: string;
  forceDownload: boolean;
  symlinks: boolean;
  fetch: (url: string, init: Parameters<GlobalFetch>[1]) => ReturnType<GlobalFetch>;
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
  forceDownload: "boolean",
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
  if (!isEndpoint(endpoint)) {
    const option = options.endpoint === undefined ? "HF_ENDPOINT" : "endpoint";
    invalid(option, "an http(s) address without a user's name, password or query", shownUrl(endpoint));
  }
  const offline = environment.offline || options.localFilesOnly === true;
  const forceDownload = options.forceDownload === true;
  if (offline && forceDownload) {
    const other = environment.offline ? environment.offlineVariable : "`localFilesOnly`";
    throw new TsumugiError("conflicting_options", {
      options: `\`forceDownload\` and ${other}`,
      reason: "one of them forbids what the other asks for",
    });
  }
  return {
    repository,
    revision,
    endpoint,
    cacheDirectory: resolve(options.cacheDir === undefined ? environment.cacheDirectory : expandPath(options.cacheDir)),
    token: await locateToken(options.token, environment),
    offline,
    offlineReason: environment.offline
      ? `${environment.offlineVariable} forbids downloads: unset it to get the missing files.`
      : "`localFilesOnly` forbids downloads: call without it to get the missing files.",
    forceDownload,
    symlinks: !environment.symlinksDisabled,
    fetch: options.fetch ?? proxiedFetch,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
    retry: retryPolicy(options.retry),
    metadataTimeoutMs: environment.metadataTimeoutMs,
    downloadTimeoutMs: environment.downloadTimeoutMs,
  };
}

/** The policy of retries, every number of it in bounds. */
function retryPolicy(given: PartialFields<RetryPolicy> = {}): RetryPolicy {
  checkIsOptions(given, "The option `retry`");
  const policy = { attempts: 5, baseDelayMs: 500, maxDelayMs: 8000 };
  const known = Object.keys(policy);
  refuseUnknown(given, known, {}, listed(known));
  for (const name of known as (keyof RetryPolicy)[]) {
    const value = given[name] ?? policy[name];
    const least = name === "attempts" ? 1 : 0;
    if (!(typeof value === "number" && value >= least && value <= 1e6)) {
      invalid(`retry.${name}`, `a number from ${least} to 1,000,000`, value);
    }
    policy[name] = value;
  }
  return policy;
}

function isEndpoint(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === "" && password === "" && search === "" && hash === "";
}

function invalid(option: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_option", { option, expected, given });
}
