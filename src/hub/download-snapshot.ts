import { TsumugiError } from "../errors.ts";
import { type CachePaths, cachePaths } from "./cache-paths.ts";
import { asksFor, type FileChooser } from "./cached-snapshot.ts";
import { downloadFile } from "./download-file.ts";
import type { ModelInformation } from "./model-information.ts";
import type { HubContext } from "./options.ts";
import { throwIfAborted } from "./request.ts";
import { refuseOtherWeights, wellKnownNames } from "./select-files.ts";
import { writeAbsent, writeRef } from "./snapshot.ts";
import { isWeightIndex, shardFiles } from "./weight-index.ts";

const parallelFiles = 4;

/**
 * Brings the chosen files of a commit into the cache. The branch or tag is written last, so that whoever reads it offline
 * finds the files that go with it.
 */
export async function downloadSnapshot(context: HubContext, information: ModelInformation, choose: FileChooser): Promise<void> {
  const paths = cachePaths(context.cacheDirectory, context.repository);
  const { commit, files } = information;
  if (asksFor(choose, "model.safetensors")) refuseOtherWeights(context.repository, files);
  const chosen = choose(files);
  const invented = chosen.find((file) => !files.includes(file));
  if (invented !== undefined) refuseMissing(context, invented);
  await downloadAll(context, paths, commit, chosen);
  for (const index of chosen.filter(isWeightIndex)) {
    const shards = await shardFiles(paths.pointer(commit, index), index);
    for (const shard of shards) if (!files.includes(shard)) refuseMissing(context, shard);
    const rest = shards.filter((shard) => !chosen.includes(shard));
    await downloadAll(context, paths, commit, rest);
  }
  const absent = wellKnownNames.filter((name) => !files.includes(name) && asksFor(choose, name));
  // These notes help the next call. Where the cache can only be read, everything was in it already.
  await writeAbsent(paths, commit, absent).catch(() => {});
  await writeRef(paths, context.revision, commit).catch(() => {});
}

/** Downloads a few files at a time. The first failure stops the others. */
async function downloadAll(context: HubContext, paths: CachePaths, commit: string, files: string[]): Promise<void> {
  const stop = new AbortController();
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await downloadFile(context, paths, commit, file, stop.signal);
    }
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
