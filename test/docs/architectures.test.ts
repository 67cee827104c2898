import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { supportedModelTypes, supportedMultimodalTypes } from "../../src/models/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const document = readFileSync(join(root, "docs/architectures.md"), "utf8");

it("docs/architectures.md names every architecture and every multimodal type that loads, and no others", () => {
  const rows = [...document.matchAll(/^\| \[(\w+)\]\(/gm)].map(([, type]) => type);
  expect(rows).toEqual(supportedModelTypes);
  expect(document.trimEnd().split("\n").at(-1)).toBe(`${supportedMultimodalTypes.join(", ")}.`);
});

it("docs/architectures.md is what `npm run docs:architectures` writes", () => {
  const script = join(root, "scripts/docs-architectures.mjs");
  expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8", cwd: root })).toBe("");
});
