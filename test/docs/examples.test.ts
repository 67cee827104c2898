import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as tsumugi from "../../src/index.ts";

const source = fileURLToPath(new URL("../../src", import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => /(?<!\.test)\.ts$/.test(file));
const texts = files.map((file) => readFileSync(join(source, file), "utf8"));

/** The comments in front of the declarations of a name, in all files. */
function documentation(name: string): string[] {
  const declaration = new RegExp(
    `(?:/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n)?export (?:async )?(?:class|function|const) ${name}\\b`,
    "g",
  );
  return texts.flatMap((text) => [...text.matchAll(declaration)].map((match) => match[1] ?? ""));
}

it.each(Object.keys(tsumugi))("%s has documentation with an example", (name) => {
  const found = documentation(name);
  expect(found.length).toBeGreaterThanOrEqual(1);
  expect(found.some((comment) => /@example\n\s*\* ```ts\n/.test(comment))).toBe(true);
});
