import { TsumugiError } from "../errors.ts";
import { adapterNames, weightNames } from "../formats/weight-files.ts";
import type { GlobalFetch } from "../util/platform-types.ts";
import { type ModelFiles, modelFilesOf } from "./model-files.ts";

/** Options of `fetchFiles`. */
export interface FetchFilesOptions {
  /** What fetches. Default: the global `fetch`. */
  fetch?: GlobalFetch | undefined;
  /** Headers of every request, such as `authorization`. Default none. */
  headers?: { readonly [name: string]: string } | undefined;
  /** Aborting ends the loading with `aborted`. */
  signal?: AbortSignal | undefined;
}

/** Files of which one or the other is there: those of weights, and of the tokenizer where there is no tokenizer.json. */
const namesToTry = [...weightNames, ...adapterNames, "spiece.model", "tokenizer.model"];

/**
 * The files of a model on a web server: every file below one address, as a folder of a Hub repository has them. A file that
 * the server does not have is one that the model does not have; a page in its place counts as missing. Templates in
 * `additional_chat_templates` are not found: a web server lists no folders.
 *
 * @throws `file_unreadable` where the server cannot be reached or refuses, `aborted`
 *
 * @example
 * ```ts
 * const model = await loadFromFiles(fetchFiles("/models/tsumugi-mini"));
 * console.log((await model.generate("Once upon a time", { maxNewTokens: 20 })).text);
 * ```
 */
export function fetchFiles(address: string, options: FetchFilesOptions = {}): ModelFiles {
  const { fetch: fetchOne = globalThis.fetch, headers, signal } = options;
  const directory = address.replace(/\/+$/, "");
  const ask = async (file: string, method: "GET" | "HEAD"): Promise<Response | undefined> => {
    const url = `${directory}/${file}`;
    try {
      const response = await fetchOne(url, { method, headers, signal });
      // servers of single-page applications answer with their page what they do not have
      const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
      if (response.status === 404 || (response.ok && isPage)) return undefined;
      if (response.ok) return response;
      if (method === "HEAD" && isUnknownMethod(response)) return ask(file, "GET");
      throw new TsumugiError("file_unreadable", { file: url, reason: `the server answered ${response.status}` });
    } catch (cause) {
      throw signal?.aborted ? new TsumugiError("aborted", {}, { cause }) : unreadable(url, cause);
    }
  };
  const isThere = async (file: string) => {
    const response = await ask(file, "HEAD");
    // where the server does not know HEAD, this is the beginning of the file
    await response?.body?.cancel();
    return response !== undefined;
  };
  return modelFilesOf({
    id: address,
    directory,
    async list() {
      const found = await Promise.all(namesToTry.map(isThere));
      return namesToTry.filter((_, index) => found[index]);
    },
    async readBytes(file) {
      const response = await ask(file, "GET");
      if (!response) return undefined;
      try {
        return new Uint8Array(await response.arrayBuffer());
      } catch (cause) {
        throw signal?.aborted ? new TsumugiError("aborted", {}, { cause }) : unreadable(`${directory}/${file}`, cause);
      }
    },
  });
}

function isUnknownMethod({ status }: Response): boolean {
  return status === 405 || status === 501;
}

function unreadable(file: string, cause: unknown): TsumugiError {
  if (TsumugiError.isInstance(cause)) return cause;
  return new TsumugiError("file_unreadable", { file, reason: (cause as Error).message }, { cause });
}
