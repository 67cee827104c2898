import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of src/ to which a test adds something, as a contributor would. */
export interface ScratchCopy {
  /** Its folder; `src` is inside. */
  folder: string;
  /** Writes a file, by its path from the folder. */
  write(path: string, text: string): void;
  /** Puts lines at the end of a file. */
  append(path: string, lines: string): void;
  /** Files that are not as in the project, with the lines that they have more. */
  changes(): { [path: string]: number };
}

/** Copies src/, without its tests, to .cache/scratch/`name`: inside the project, so that packages are found. */
export function scratchCopy(name: string): ScratchCopy {
  const folder = join(root, ".cache", "scratch", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, "src"), join(folder, "src"), { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
  const lines = (path: string) => readFileSync(path, "utf8").split("\n").length;
  return {
    folder,
    write: (path, text) => writeFileSync(join(folder, path), text),
    append: (path, text) => writeFileSync(join(folder, path), readFileSync(join(folder, path), "utf8") + text),
    changes() {
      const changed: { [path: string]: number } = {};
      for (const entry of readdirSync(join(folder, "src"), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const own = relative(folder, path);
        try {
          if (!readFileSync(path).equals(readFileSync(join(root, own)))) changed[own] = lines(path) - lines(join(root, own));
        } catch {
          changed[own] = lines(path);
        }
      }
      return changed;
    },
  };
}
