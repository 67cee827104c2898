import { homedir } from "node:os";
import { join } from "node:path";
import { TsumugiError } from "../errors.ts";

/** The Hub. */
export const defaultEndpoint = "https://huggingface.co";

/** The settings that Python's huggingface_hub reads from the environment, as they are now. */
export type HubEnvironment = {
  /** Folder of the token and, by default, of the cache: HF_HOME, or $XDG_CACHE_HOME/huggingface, or ~/.cache/huggingface. */
  home: string;
  /** Folder of the repositories: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE (old name), or `home`/hub. */
  cacheDirectory: string;
  /** HF_ENDPOINT without a slash at its end; https://huggingface.co by default. */
  endpoint: string;
  /** HF_HUB_OFFLINE, or TRANSFORMERS_OFFLINE where that is not set. */
  offline: boolean;
  /** Which of the two decided. */
  offlineVariable: "HF_HUB_OFFLINE" | "TRANSFORMERS_OFFLINE";
  /** HF_TOKEN_PATH, or `home`/token. */
  tokenPath: string;
  /** HF_TOKEN, or HUGGING_FACE_HUB_TOKEN (old name). */
  token: string | undefined;
  /** Which of the two the token is from. */
  tokenVariable: "HF_TOKEN" | "HUGGING_FACE_HUB_TOKEN";
  /** HF_HUB_DISABLE_IMPLICIT_TOKEN: only a token given as an option is sent. */
  implicitTokenDisabled: boolean;
  /** HF_HUB_DISABLE_SYMLINKS: snapshots hold real files. */
  symlinksDisabled: boolean;
  /** HF_HUB_ETAG_TIMEOUT in milliseconds: how long to wait for the head of an answer. Default 10,000. */
  metadataTimeoutMs: number;
  /** HF_HUB_DOWNLOAD_TIMEOUT in milliseconds: how long a download may stand still. Default 10,000. */
  downloadTimeoutMs: number;
};

/**
 * Reads the HF_* variables. They are read at each call, never kept.
 *
 * An empty variable counts as not set (Python would take an empty HF_HOME for the current folder). Error: `invalid_option`
 * for a timeout that is no number of seconds.
 *
 * Source: https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
export function readHubEnvironment(variables: Record<string, string | undefined> = process.env): HubEnvironment {
  const get = (name: string) => variables[name] || undefined;
  const folder = (name: string) => {
    const value = get(name);
    return value === undefined ? undefined : expandPath(value, variables);
  };
  const cacheHome = get("XDG_CACHE_HOME") ?? join(userHome(variables), ".cache");
  const home = folder("HF_HOME") ?? expandPath(join(cacheHome, "huggingface"), variables);
  return {
    home,
    cacheDirectory: folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub"),
    endpoint: (get("HF_ENDPOINT") ?? defaultEndpoint).replace(/\/+$/, ""),
    offline: isTrue(get("HF_HUB_OFFLINE") ?? get("TRANSFORMERS_OFFLINE")),
    offlineVariable: get("HF_HUB_OFFLINE") === undefined ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE",
    tokenPath: folder("HF_TOKEN_PATH") ?? join(home, "token"),
    token: get("HF_TOKEN") ?? get("HUGGING_FACE_HUB_TOKEN"),
    tokenVariable: get("HF_TOKEN") === undefined ? "HUGGING_FACE_HUB_TOKEN" : "HF_TOKEN",
    implicitTokenDisabled: isTrue(get("HF_HUB_DISABLE_IMPLICIT_TOKEN")),
    symlinksDisabled: isTrue(get("HF_HUB_DISABLE_SYMLINKS")),
    metadataTimeoutMs: milliseconds("HF_HUB_ETAG_TIMEOUT", get("HF_HUB_ETAG_TIMEOUT")),
    downloadTimeoutMs: milliseconds("HF_HUB_DOWNLOAD_TIMEOUT", get("HF_HUB_DOWNLOAD_TIMEOUT")),
  };
}

/**
 * The folder that holds downloaded repositories, shared with Python.
 *
 * @example
 * ```ts
 * console.log(hubCacheDirectory()); // /home/me/.cache/huggingface/hub
 * ```
 */
export function hubCacheDirectory(): string {
  return readHubEnvironment().cacheDirectory;
}

/** Replaces `~` at the start and `$NAME` or `${NAME}` anywhere; an unknown name stays as it is. */
export function expandPath(path: string, variables: Record<string, string | undefined> = process.env): string {
  const fromHome = path === "~" || /^~[/\\]/.test(path) ? userHome(variables) + path.slice(1) : path;
  return fromHome.replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain?: string, braced?: string) => {
    return variables[plain ?? braced ?? ""] ?? whole;
  });
}

function userHome(variables: Record<string, string | undefined>): string {
  return variables.HOME || homedir();
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
}

/** A number of seconds; 0 is the default, as in Python. A timer of Node reaches 24 days. */
function milliseconds(option: string, value: string | undefined): number {
  const number = Number(value ?? 0);
  if (number === 0) return 10_000;
  if (number > 0 && number <= 1e6) return number * 1000;
  throw new TsumugiError("invalid_option", { option, expected: "a number of seconds up to 1,000,000", given: value });
}
