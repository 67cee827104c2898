import { join } from "node:path";

/** Where the parts of one repository lie in the cache. The layout is that of Python's huggingface_hub. */
export type CachePaths = {
  /** models--org--name */
  repository: string;
  /** Content by etag: sha256 of LFS files, git blob sha1 of others. */
  blob(etag: string): string;
  /** A blob that is still arriving. */
  incomplete(etag: string): string;
  /** Holds the commit hash that a branch or tag had when it was last resolved. */
  ref(revision: string): string;
  /** The folder a model is read from: links into blobs/. */
  snapshot(commit: string): string;
  /** A file of a snapshot. */
  pointer(commit: string, file: string): string;
  /** An empty file here says that the repository has no such file at this commit. */
  absent(commit: string, file: string): string;
  /** A listing of the repository that Python's snapshot_download leaves (we only read it). */
  tree(commit: string): string;
  lock(etag: string): string;
  /** Tells backup programs that the folder can be made again. */
  tag: string;
};

/**
 * The paths of a model repository in a cache folder.
 *
 * Our lock file has another name than Python's `<etag>.lock`: Python locks with flock, which Node does not have, and deletes
 * the file when it is done. Both sides write a blob elsewhere and rename it, so neither depends on the other's lock.
 *
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
export function cachePaths(cacheDirectory: string, repositoryId: string): CachePaths {
  const folder = ["models", ...repositoryId.split("/")].join("--");
  const repository = join(cacheDirectory, folder);
  const inside = (first: string, path: string) => join(repository, first, ...path.split("/"));
  return {
    repository,
    blob: (etag) => join(repository, "blobs", etag),
    incomplete: (etag) => join(repository, "blobs", `${etag}.incomplete`),
    ref: (revision) => inside("refs", revision),
    snapshot: (commit) => join(repository, "snapshots", commit),
    pointer: (commit, file) => inside("snapshots", `${commit}/${file}`),
    absent: (commit, file) => inside(".no_exist", `${commit}/${file}`),
    tree: (commit) => join(repository, "trees", `${commit}.json`),
    lock: (etag) => join(cacheDirectory, ".locks", folder, `${etag}.tsumugi.lock`),
    tag: join(cacheDirectory, "CACHEDIR.TAG"),
  };
}
