import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { TsumugiError } from "../errors.ts";
import { printable } from "../util/printable.ts";
import { cachePaths } from "./cache-paths.ts";
import type { CachedSnapshot } from "./cached-snapshot.ts";
import type { HubContext } from "./options.ts";
import { cachedCommit, listFiles } from "./snapshot.ts";

/** The error of a model that must come from the cache and is not whole there: what is missing, what is there, what to do. */
export async function notCached(context: HubContext, cached: CachedSnapshot | undefined): Promise<TsumugiError> {
  const { repository, revision, cacheDirectory, offlineReason } = context;
  const missing = cached === undefined ? await describeAbsence(context) : await describeGap(context, cached);
  const command = `tsumugi download ${repository}${revision === "main" ? "" : ` --revision ${revision}`}`;
  const reason = `${offlineReason} \`${command}\` gets them where there is a network.`;
  return new TsumugiError("hub_not_cached", { repository, revision, cacheDirectory, missing, reason });
}

/** Which files of the revision are missing, and which are there. */
async function describeGap(context: HubContext, { missing, present }: CachedSnapshot): Promise<string> {
  const what = missing.length === 0 ? "none of the files that are asked for is there" : `${some(missing)} is missing`;
  const there = present.length === 0 ? "" : `; there is ${some(present)}`;
  const blobs = dirname(cachePaths(context.cacheDirectory, context.repository).blob("x"));
  const isInterrupted = (await namesIn(blobs)).some((name) => name.endsWith(".incomplete"));
  return `${what}${there}${isInterrupted ? "; a download of it was interrupted" : ""}`;
}

/** Which other revisions of the model, or which other models, are there. */
async function describeAbsence(context: HubContext): Promise<string> {
  const paths = cachePaths(context.cacheDirectory, context.repository);
  const refs = (await listFiles(dirname(paths.ref("x")))).slice(0, 100);
  const named = new Map<string, string>();
  for (const ref of refs) named.set((await cachedCommit(paths, ref)) ?? "", ref);
  const commits = await namesIn(dirname(paths.snapshot("x")));
  if (commits.length > 0) {
    const revisions = commits.map((commit) => named.get(commit) ?? commit);
    return `this revision was never downloaded; there is ${some(revisions)}`;
  }
  const models = (await namesIn(context.cacheDirectory)).filter((name) => name.startsWith("models--"));
  const ids = models.map((name) => name.slice("models--".length).replaceAll("--", "/"));
  return `it was never downloaded; ${ids.length === 0 ? "no other model was" : `there is ${some(ids)}`}`;
}

/** The first few of many names. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => printable(name, 100));
  return shown.join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}
