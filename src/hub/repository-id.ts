/**
 * Why `id` cannot be the id of a Hub repository, or undefined when it can.
 *
 * The rules are huggingface_hub's: `name` or `org/name`; ASCII letters, digits, `-`, `_`, `.`; each part begins and ends with
 * a letter, a digit or `_` and has at most 96 characters; no `--`, no `..`, no `.git` at the end.
 */
export function repositoryIdProblem(id: string): string | undefined {
  const parts = id.split("/");
  if (parts.length > 2) return "an id has the form `name` or `org/name`";
  for (const part of parts) {
    if (part.length === 0 || part.length > 96) return "each part of an id has 1 to 96 characters";
    if (!/^[\w.-]+$/.test(part)) return "an id uses ASCII letters, digits, `-`, `_` and `.`";
    if (!/^\w/.test(part) || !/\w$/.test(part)) return "the parts of an id do not begin or end with `-` or `.`";
  }
  if (id.includes("--") || id.includes("..")) return "an id cannot contain `--` or `..`";
  if (id.endsWith(".git")) return "an id cannot end with `.git`";
  return undefined;
}

/** Whether a revision is a full commit hash, which never changes. */
export function isCommitHash(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Whether a text is a hash by which the Hub names a content: SHA-256, or the SHA-1 of a git blob. */
export function isContentHash(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Why `path` cannot be a path inside a repository (a file, or a branch name in refs/), or undefined when it can. */
export function relativePathProblem(path: string): string | undefined {
  if (path.length === 0) return "it is empty";
  if (path.includes("\0")) return "it contains a NUL character";
  if (path.includes("\\")) return "it contains a backslash";
  if (/^[A-Za-z]:/.test(path)) return "it begins with a drive letter";
  for (const part of path.split("/")) {
    if (part === "" || part === "." || part === "..") return "it is not a plain relative path";
  }
  return undefined;
}
