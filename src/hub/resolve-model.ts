import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type ErrorCode, TsumugiError } from "../errors.ts";
import { withWatchedProgress } from "../util/callback-guard.ts";
import { bundledModelDirectory } from "./bundled-models.ts";
import { cachePaths } from "./cache-paths.ts";
import { type CachedSnapshot, inspectSnapshot } from "./cached-snapshot.ts";
import { type Choice, downloadSnapshot } from "./download-snapshot.ts";
import { defaultEndpoint, expandPath } from "./environment.ts";
import { type ModelDirectory, modelDirectory } from "./model-directory.ts";
import { type ModelInformation, modelInformation } from "./model-information.ts";
import { maybeMisspelt, misspeltName, nameProblem } from "./model-name.ts";
import { notCached } from "./not-cached.ts";
import { checkHubOptions, type HubContext, type HubOptions, hubContext } from "./options.ts";
import { FileProgress } from "./progress.ts";
import { isCommitHash } from "./repository-id.ts";
import { throwIfAborted } from "./request.ts";
import { selectTextGenerationFiles } from "./select-files.ts";
import { cachedCommit, fileSize } from "./snapshot.ts";

/** Options of `resolveModel`. */
export type ResolveOptions = HubOptions & {
  /**
   * Chooses among the names of a repository's files; it must be a plain function of each name and its neighbours. The
   * shards that a chosen `*.safetensors.index.json` names come along. Default: `selectTextGenerationFiles`.
   */
  files?: ((names: string[]) => string[]) | undefined;
  /**
   * Called between the download of small files and that of weights (*.safetensors), where there are any to download; what it
   * throws ends the download. Default: nothing.
   */
  beforeWeights?: ((files: ModelDirectory) => Promise<void>) | undefined;
};

/** What the cache answers for, when the Hub cannot be asked or does not let us in. */
const cacheMayAnswer: ErrorCode[] = [
  "hub_unreachable",
  "hub_bad_response",
  "hub_repository_not_found",
  "hub_access_denied",
  "hub_gated",
];

/**
 * The files of a model on disk: a folder is used as it is, a Hub id is downloaded into the cache that Python's
 * huggingface_hub uses, unless it is there already. "tsumugi-mini" is the model that ships in the package.
 *
 * Without a network: with `localFilesOnly` or HF_HUB_OFFLINE=1; for a full commit hash whose files are all there; and
 * when the Hub cannot be reached but the files were downloaded before.
 *
 * What is cached is used as it is, but for files whose size is not the one that the Hub's listing names: they are downloaded
 * again. `forceDownload` downloads all of them.
 *
 * Errors: `model_not_found`, `unknown_option`, `invalid_option`, `conflicting_options`, `hub_repository_not_found`,
 * `hub_revision_not_found`, `hub_file_not_found`, `hub_gated`, `hub_access_denied`, `hub_token_invalid`, `hub_proxy_invalid`,
 * `hub_not_cached`, `hub_unreachable`, `hub_bad_response`, `hub_corrupt_download`, `hub_disk_full`,
 * `hub_cache_not_writable`, `safetensors_required`, `aborted`.
 *
 * @example
 * ```ts
 * const model = await resolveModel("Qwen/Qwen3-0.6B", { revision: "main" });
 * console.log(model.directory, await model.readJson("config.json"));
 * ```
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
export async function resolveModel(idOrDirectory: string, options: ResolveOptions = {}): Promise<ModelDirectory> {
  if (typeof idOrDirectory !== "string" || idOrDirectory === "") {
    const expected = "the path of a folder or a Hub id";
    throw new TsumugiError("invalid_input", { what: "The model", expected, given: idOrDirectory });
  }
  checkHubOptions(options, ["files", "beforeWeights"]);
  const folder = resolve(expandPath(idOrDirectory));
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return modelDirectory(idOrDirectory, folder);
  const bundled = bundledModelDirectory(idOrDirectory);
  if (bundled !== undefined) return modelDirectory(idOrDirectory, bundled);
  const problem = await nameProblem({ given: idOrDirectory, path: folder, isFile: found !== undefined });
  if (problem !== undefined) throw problem;
  const { files: choose = selectTextGenerationFiles, beforeWeights } = options;
  return withWatchedProgress(options, async (watched) => {
    const context = await hubContext(idOrDirectory, { ...options, ...watched });
    throwIfAborted(context);
    const directoryOf = (commit: string) => {
      return modelDirectory(idOrDirectory, cachePaths(context.cacheDirectory, context.repository).snapshot(commit), commit);
    };
    const commit = await resolveId(context, { choose, beforeWeights: async (at) => beforeWeights?.(directoryOf(at)) });
    return directoryOf(commit);
  });
}

/** Asks the Hub, or the cache. A slip in the name of the model in the box is told before the Hub is waited for. */
async function resolveId(context: HubContext, choice: Choice): Promise<string> {
  const misspelt = misspeltName(context.repository);
  const { repository } = cachePaths(context.cacheDirectory, context.repository);
  if (misspelt !== undefined && context.endpoint === defaultEndpoint && !existsSync(repository)) throw misspelt;
  try {
    return await findSnapshot(context, choice);
  } catch (error) {
    if (misspelt !== undefined && TsumugiError.isInstance(error) && maybeMisspelt.includes(error.code)) throw misspelt;
    throw error;
  }
}

/** Makes the chosen files present, and answers with the commit whose snapshot holds them. */
async function findSnapshot(context: HubContext, choice: Choice): Promise<string> {
  const commit = await cachedCommit(cachePaths(context.cacheDirectory, context.repository), context.revision);
  const cached = commit === undefined ? undefined : await inspectSnapshot(context, commit, choice.choose);
  const isComplete = cached !== undefined && cached.missing.length === 0 && cached.present.length > 0;
  const isUsable = isComplete && !context.forceDownload;
  const useCache = async () => {
    await reportCached(context, commit as string, cached as CachedSnapshot);
    return commit as string;
  };
  if (context.offline) {
    if (isUsable) return useCache();
    throw await notCached(context, cached);
  }
  if (isCommitHash(context.revision) && isUsable && cached.unknown.length === 0) return useCache();
  let information: ModelInformation;
  try {
    information = await modelInformation(context, isUsable ? 1 : context.retry.attempts);
  } catch (error) {
    if (isUsable && TsumugiError.isInstance(error) && cacheMayAnswer.includes(error.code)) return useCache();
    throw error;
  }
  await downloadSnapshot(context, information, choice);
  return information.commit;
}

async function reportCached(context: HubContext, commit: string, cached: CachedSnapshot): Promise<void> {
  const paths = cachePaths(context.cacheDirectory, context.repository);
  for (const file of cached.present) {
    const size = (await fileSize(paths.pointer(commit, file))) ?? 0;
    new FileProgress(context, file, size).cached(size);
  }
}
