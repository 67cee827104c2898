import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const folder = (path: string) => readdirSync(join(root, path)).map((name) => `${path}/${name}`);
const pages = ["CONTRIBUTING.md", "docs/architecture.md", ...folder("docs/contracts"), ...folder("docs/decisions")];

/** Which rooms each room may import, as scripts/check-imports.mjs has it. */
function rules(): Map<string, string[]> {
  const script = read("scripts/check-imports.mjs");
  const table = /const rooms = \{\n([\s\S]*?)\n\};/.exec(script)![1]!;
  return new Map(
    [...table.matchAll(/(\w+): \[([^\]]*)\]/g)].map(([, room, list]) => [room!, [...list!.matchAll(/\w+/g)].map(String)]),
  );
}

describe("docs of the architecture", () => {
  it.each(pages)("%s names only files that exist", (page) => {
    const text = read(page);
    const named = [...text.matchAll(/`((?:src|native|test|scripts|tools|bench|docs)\/[\w./-]+)`/g)].map(([, path]) => path!);
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => join(dirname(page), path!));
    expect([...named, ...linked].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("shows each room with the imports that the checker allows", () => {
    const rows = [...read("docs/architecture.md").matchAll(/^\| `(\w+)\/` \|.*\| → (.*) \|$/gm)];
    const shown = new Map(rows.map(([, room, list]) => [room!, list === "–" ? [] : list!.split(", ")]));
    const built = (room: string) => existsSync(join(root, "src", room)) && !["util", "tensor"].includes(room);
    const allowed = [...rules()].filter(([room]) => built(room));
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(allowed));
  });

  it("lists every record of a decision, and every contract", () => {
    for (const room of ["decisions", "contracts"]) {
      const index = read(`docs/${room}/README.md`);
      const missing = readdirSync(join(root, `docs/${room}`)).filter((name) => name !== "README.md" && !index.includes(name));
      expect(missing).toEqual([]);
    }
  });
});
