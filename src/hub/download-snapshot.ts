import { TsumugiError } from "../errors.ts";
import { type CachePaths, cachePaths } from "./cache-paths.ts";
import { asksFor, type FileChooser } from "./cached-snapshot.ts";
import { downloadFile } from "./download-file.ts";
import type { ModelInformation } from "./model-information.ts";
import type { HubContext } from "./options.ts";
import { badResponse, throwIfAborted } from "./request.ts";
import { refuseUnreadable, selectTextGenerationFiles, wellKnownNames } from "./select-files.ts";
import { writeAbsent, writeRef } from "./snapshot.ts";
import { isWeightIndex, shardFiles } from "./weight-index.ts";

const parallelFiles = 4;
/** Most files of one model. The largest published ones have some hundreds. */
const filesLimit = 10_000;

/** Which files are downloaded. */
export type Choice = {
  choose: FileChooser;
  /** Called with the commit, when its small files are there and weights are to follow. */
  beforeWeights: (commit: string) => Promise<void>;
};

/**
 * Brings the chosen files of a commit into the cache. The branch or tag is written last, so that whoever reads it offline
 * finds the files that go with it.
 */
export async function downloadSnapshot(context: HubContext, information: ModelInformation, choice: Choice): Promise<void> {
  const { choose, beforeWeights } = choice;
  const paths = cachePaths(context.cacheDirectory, context.repository);
  const { commit, files } = information;
  const known = new Set(files);
  if (choose === selectTextGenerationFiles) refuseUnreadable(context, files);
  const chosen = choose(files);
  const invented = chosen.find((file) => !known.has(file));
  if (invented !== undefined) refuseMissing(context, invented);
  const weights = chosen.filter((file) => file.endsWith(".safetensors") || isWeightIndex(file));
  const isWeight = new Set(weights);
  await downloadAll(
    context,
    paths,
    information,
    chosen.filter((file) => !isWeight.has(file)),
  );
  if (weights.length > 0) await beforeWeights(commit);
  await downloadAll(context, paths, information, weights);
  for (const index of chosen.filter(isWeightIndex)) {
    const shards = await shardFiles(paths.pointer(commit, index), index);
    for (const shard of shards) if (!known.has(shard)) refuseMissing(context, shard);
    const had = new Set(chosen);
    const rest = shards.filter((shard) => !had.has(shard));
    await downloadAll(context, paths, information, rest);
  }
  const absent = wellKnownNames.filter((name) => !known.has(name) && asksFor(choose, name));
  // These notes help the next call. Where the cache can only be read, everything was in it already.
  await writeAbsent(paths, commit, absent).catch(() => {});
  await writeRef(paths, context.revision, commit).catch(() => {});
}

/** Downloads a few files at a time. The first failure stops the others. */
async function downloadAll(
  context: HubContext,
  paths: CachePaths,
  information: ModelInformation,
  files: string[],
): Promise<void> {
  if (files.length > filesLimit) {
    const url = `${context.endpoint}/${context.repository}`;
    throw badResponse(url, `a model may have at most ${filesLimit} files, and this one has ${files.length}`);
  }
  const { commit, listed } = information;
  const stop = new AbortController();
  const queue = files.values();
  const worker = async () => {
    for (const file of queue) await downloadFile(context, paths, { ...listed.get(file), commit, file }, stop.signal);
  };
  const workers = Array.from({ length: Math.min(parallelFiles, files.length) }, () =>
    worker().catch((error) => {
      stop.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  throwIfAborted(context);
  if (stop.signal.aborted) throw stop.signal.reason; // this is the first failure, and none of the stops that it caused
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function refuseMissing(context: HubContext, file: string): never {
  const { repository, revision } = context;
  throw new TsumugiError("hub_file_not_found", { file, repository, revision });
}
