import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What Python's huggingface_hub does, on record in test/fixtures/hub/python.json. test/long/hub-python.test.ts writes it. */
export interface PythonHubFacts {
  source: string;
  /** `models--org--tiny` after `snapshot_download("org/tiny")`: by path, `-> target` of a link or the SHA-256 of a file. */
  cache: Record<string, string>;
  /** The home, the cache, the token and the address that it finds in these variables. */
  environment: { variables: Record<string, string>; found: string[] };
  /** Whether a name may be that of a repository. */
  validNames: Record<string, boolean>;
}

const path = join(import.meta.dirname, "../fixtures/hub/python.json");

export function readPythonHubFacts(): PythonHubFacts {
  return JSON.parse(readFileSync(path, "utf8")) as PythonHubFacts;
}

export function writePythonHubFacts(facts: PythonHubFacts): void {
  writeFileSync(path, `${JSON.stringify(facts, null, 1)}\n`);
}

/** Every file and link of a repository in a cache, but for `trees`: lists of Python's own, which nothing here reads. */
export function cacheTree(repository: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (folder: string): void => {
    for (const name of readdirSync(join(repository, folder)).sort()) {
      const below = folder === "" ? name : `${folder}/${name}`;
      const full = join(repository, below);
      const status = lstatSync(full);
      if (below === "trees") continue;
      if (status.isDirectory()) visit(below);
      else tree[below] = status.isSymbolicLink() ? `-> ${readlinkSync(full)}` : sha256(readFileSync(full));
    }
  };
  visit("");
  return tree;
}

/** Makes the files and links of a tree; `contents` are the contents that files may have. */
export function makeCacheTree(repository: string, tree: Record<string, string>, contents: readonly Uint8Array[]): void {
  const byHash = new Map(contents.map((content) => [sha256(content), content]));
  for (const [name, what] of Object.entries(tree)) {
    const full = join(repository, name);
    mkdirSync(dirname(full), { recursive: true });
    if (what.startsWith("-> ")) symlinkSync(what.slice(3), full);
    else writeFileSync(full, byHash.get(what)!);
  }
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
