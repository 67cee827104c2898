import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { CachePaths } from "./cache-paths.ts";
import { isCommitHash } from "./repository-id.ts";

/** The size of a file, followed through links, or undefined when there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const information = await stat(path);
    return information.isFile() ? information.size : undefined;
  } catch {
    return undefined;
  }
}

/** The commit that a revision had when it was last resolved. A commit hash stands for itself. */
export async function cachedCommit(paths: CachePaths, revision: string): Promise<string | undefined> {
  if (isCommitHash(revision)) return revision;
  const text = await readFile(paths.ref(revision), "utf8").catch(() => "");
  const commit = text.trim();
  return isCommitHash(commit) ? commit : undefined;
}

/** Remembers the commit of a branch or tag. Writes only on a change, so that a cache that cannot be written can be read. */
export async function writeRef(paths: CachePaths, revision: string, commit: string): Promise<void> {
  if (revision === commit || (await cachedCommit(paths, revision)) === commit) return;
  const path = paths.ref(revision);
  await mkdir(dirname(path), { recursive: true });
  await replaceAtomically(path, (temporary) => writeFile(temporary, commit, { flag: "wx" }));
}

/** Remembers files that the repository does not have at a commit. */
export async function writeAbsent(paths: CachePaths, commit: string, files: string[]): Promise<void> {
  for (const file of files) {
    const path = paths.absent(commit, file);
    if ((await fileSize(path)) !== undefined) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "", { flag: "wx" }); // never through a link that lies there
  }
}

/** Makes the file of a snapshot. It is a relative link to the blob, or a real file where links are not possible. */
export async function writePointer(
  pointer: string,
  blob: string,
  options: { symlinks: boolean; newBlob: boolean },
): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  if (options.symlinks) {
    try {
      await replaceAtomically(pointer, (temporary) => symlink(relative(dirname(pointer), blob), temporary));
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "UNKNOWN"].includes(code)) throw error;
    }
  }
  if (options.newBlob) await rename(blob, pointer);
  else await replaceAtomically(pointer, (temporary) => copyFile(blob, temporary));
}

/** Marks the cache folder for backup programs. Source: https://bford.info/cachedir/ */
export async function writeCacheTag(paths: CachePaths): Promise<void> {
  const lines = [
    "Signature: 8a477f597d28d172789f06886806bc55",
    "# Models downloaded from the Hub; they can be downloaded again.",
  ];
  await writeFile(paths.tag, `${lines.join("\n")}\n`, { flag: "wx" }).catch(() => {});
}

/** All files below a folder, with `/` between the parts, sorted. */
export async function listFiles(directory: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(directory, prefix), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listFiles(directory, name)));
    else if ((await fileSize(join(directory, name))) !== undefined) found.push(name);
  }
  return found.sort();
}

/** The listing that Python's snapshot_download left for a commit: all files of the repository, with their bytes. */
export async function cachedTree(
  paths: CachePaths,
  commit: string,
): Promise<ReadonlyMap<string, number | undefined> | undefined> {
  try {
    const tree = JSON.parse(await readFile(paths.tree(commit), "utf8"));
    if (tree.format_version !== 1) return undefined;
    const entries = Object.entries<{ size?: unknown; lfs_size?: unknown } | null>(tree.files);
    return new Map(
      entries.map(([file, entry]) => {
        const size = entry?.lfs_size ?? entry?.size;
        return [file, typeof size === "number" ? size : undefined];
      }),
    );
  } catch {
    return undefined;
  }
}

async function replaceAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
