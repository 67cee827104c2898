import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const paths = readdirSync(fixtures, { recursive: true, encoding: "utf8" }).sort();
const kindOf = (path: string) => lstatSync(join(fixtures, path));

describe("test/fixtures", () => {
  it("stores what is equal once", () => {
    const known = new Map<string, string>();
    const repeated: string[] = [];
    for (const path of paths.filter((each) => kindOf(each).isFile())) {
      const hash = createHash("sha256")
        .update(readFileSync(join(fixtures, path)))
        .digest("hex");
      const first = known.get(hash);
      if (first === undefined) known.set(hash, path);
      else repeated.push(`${path} is ${first}: run tools/golden/store_once.py`);
    }
    expect(repeated).toEqual([]);
  });

  it("links only to files of the same name in a folder beside", () => {
    const links = paths.filter((each) => kindOf(each).isSymbolicLink());
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) {
      expect(readlinkSync(join(fixtures, link))).toMatch(/^\.\.\/[\w.-]+\/[\w.-]+$/);
      const target = relative(fixtures, realpathSync(join(fixtures, link)));
      expect(target.split("/").at(-1)).toBe(link.split("/").at(-1));
      expect(target.split("/")[0]).toBe(link.split("/")[0]);
      expect(kindOf(target).isFile()).toBe(true);
    }
  });
});
