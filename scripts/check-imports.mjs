/**
 * Enforces the import rules of docs/architecture.md: a room imports only what stands after its arrow, and `node:` modules
 * appear only where a room is allowed to touch the machine. Prints each violation; exit 1 if there is any.
 */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { listFiles, root } from "./ensure.mjs";

/** Everybody may import these. */
const common = ["errors", "util", "tensor"];

const rooms = {
  errors: [],
  util: [],
  tensor: [],
  ops: [],
  backends: ["ops", "sampling"],
  formats: [],
  hub: [],
  tokenizer: [],
  chat: ["tokenizer"],
  layers: ["ops"],
  models: ["layers", "ops", "formats"],
  sampling: [],
  cache: [],
  engine: ["cache", "sampling", "models", "backends", "tokenizer", "ops"],
  generate: ["engine", "models", "tokenizer", "chat", "hub", "sampling", "backends", "formats", "ops"],
  server: ["engine", "chat", "sampling"],
  cli: ["generate", "server"],
  index: ["generate", "tokenizer", "chat", "hub", "models", "engine", "sampling", "backends", "formats", "ops"],
};

/** Files that may import `node:` modules: whole rooms, or the file reader of formats/. */
const nodeAllowed = [/^src\/hub\//, /^src\/formats\/file-/, /^src\/backends\/cpu\//, /^src\/server\//, /^src\/cli\//];

/** A room's name from a path below src/: the folder, or the file's own name at the top. */
const roomOf = (path) => path.split("/")[1].replace(/\.ts$/, "");

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)\s*import\s*["']([^"']+)["']/g;

const problems = [];
for (const file of listFiles("src", (path) => path.endsWith(".ts") && !path.endsWith(".test.ts")).map((path) =>
  path.replaceAll("\\", "/"),
)) {
  const room = roomOf(file);
  if (!(room in rooms)) {
    problems.push(`${file}: no room is called "${room}"`);
    continue;
  }
  const source = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  for (const match of source.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier.startsWith("node:")) {
      if (!nodeAllowed.some((pattern) => pattern.test(file))) problems.push(`${file}: ${specifier} is not allowed in ${room}/`);
    } else if (specifier.startsWith(".")) {
      const target = roomOf(normalize(join(dirname(file), specifier)).replaceAll("\\", "/"));
      const allowed = target === room || common.includes(target) || rooms[room].includes(target);
      if (!allowed) problems.push(`${file}: ${room}/ may not import ${target}/ (${specifier})`);
      else if (!specifier.endsWith(".ts")) problems.push(`${file}: write the .ts ending in ${specifier}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "import rules hold" : `${problems.length} violations of the import rules`);
process.exit(problems.length === 0 ? 0 : 1);
