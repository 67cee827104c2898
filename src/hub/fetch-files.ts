import { TsumugiError } from "../errors.ts";
import { type ModelFiles, modelFilesOf } from "./model-files.ts";

/** Options of `fetchFiles`. */
export interface FetchFilesOptions {
  /** What fetches. Default: the global `fetch`. */
  fetch?: typeof fetch;
  /** Headers of every request, such as `authorization`. Default none. */
  headers?: { readonly [name: string]: string };
  /** Aborting ends the loading with `aborted`. */
  signal?: AbortSignal;
}

/** Files whose name is not known before: one of them holds the tokenizer where there is no tokenizer.json. */
const namesToTry = ["spiece.model", "tokenizer.model"];

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
      throw new TsumugiError("file_unreadable", { file: url, reason: `the server answered ${response.status}` });
    } catch (cause) {
      throw signal?.aborted ? new TsumugiError("aborted", {}, { cause }) : unreadable(url, cause);
    }
  };
  return modelFilesOf({
    id: address,
    directory,
    async list() {
      const found = await Promise.all(namesToTry.map((file) => ask(file, "HEAD")));
      return namesToTry.filter((_, index) => found[index] !== undefined);
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

function unreadable(file: string, cause: unknown): TsumugiError {
  if (TsumugiError.isInstance(cause)) return cause;
  return new TsumugiError("file_unreadable", { file, reason: (cause as Error).message }, { cause });
}
