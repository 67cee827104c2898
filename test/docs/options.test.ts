import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { optionDefinitions } from "../../src/generate/option-definitions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("docs/generation.md has the tables that `npm run docs:options` writes", () => {
  const script = join(root, "scripts/docs-options.mjs");
  expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8", cwd: root })).toBe("");
});

it("options are declared once, each under its own name, with a text that is a sentence", () => {
  const names = optionDefinitions.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  for (const { name, description } of optionDefinitions) expect(description, name).toMatch(/^\S.*\.$/);
});

it.each(["README.md", "README.ja.md"])("%s names the flags that sample, and no others", (file) => {
  const line = readFileSync(join(root, file), "utf8")
    .split("\n")
    .find((text) => text.includes("`--seed`"))!;
  const named = [...line.matchAll(/`--([a-z-]+)`/g)].map(([, name]) => name).filter((name) => name !== "model");
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const sampling = optionDefinitions.filter(({ flag, sampling }) => flag && sampling).map(({ name }) => kebab(name));
  expect(named.sort()).toEqual(sampling.sort());
});
