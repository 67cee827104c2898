/**
 * Enforces the import rules of docs/architecture.md: a room imports only what stands after its arrow and no more than it uses,
 * `node:` modules, npm packages and napi.h appear only where they may, no files import each other in a circle, and no file is
 * longer than 400 lines. Prints each violation; exit 1 if there is any.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles, root } from "./ensure.mjs";
import { findCircles, findWaysToNode, readImports, roomOf } from "./import-graph.mjs";

/** Everybody may import these. */
const common = ["errors", "util", "tensor"];

const rooms = {
  errors: [],
  util: [],
  tensor: [],
  ops: [],
  backends: ["ops", "sampling"],
  formats: [],
  hub: ["formats"],
  tokenizer: [],
  chat: ["tokenizer"],
  layers: ["ops"],
  models: ["layers", "ops", "formats"],
  sampling: [],
  cache: [],
  engine: ["cache", "sampling", "backends", "ops"],
  decoding: ["engine", "sampling", "tokenizer", "ops"],
  generate: ["decoding", "engine", "models", "tokenizer", "chat", "hub", "sampling", "backends", "formats", "ops"],
  server: ["decoding", "engine", "chat", "sampling"],
  cli: ["generate", "server"],
  index: ["generate", "tokenizer", "chat", "models", "engine", "sampling", "backends"],
  browser: ["generate", "hub", "tokenizer", "sampling"],
};

/** Files that may import `node:` modules: whole rooms, or the file reader of formats/. */
const nodeAllowed = [/^src\/hub\//, /^src\/formats\/file-/, /^src\/backends\/cpu\//, /^src\/server\//, /^src\/cli\//];

/** npm packages, and the rooms that may import them. */
const packages = {
  zod: ["models", "sampling", "decoding", "generate", "util"],
  "@clack/prompts": ["cli"],
  commander: ["cli"],
  undici: ["hub"],
};

const lineLimit = 400;

const problems = [];
const graph = readImports();
checkImports();
checkUnused();
checkCircles();
checkBrowser();
checkNapi();
checkLength();

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "import rules hold" : `${problems.length} violations of the import rules`);
process.exit(problems.length === 0 ? 0 : 1);

/** Each import, against the tables. */
function checkImports() {
  for (const [file, imports] of graph) {
    const room = roomOf(file);
    if (!(room in rooms)) {
      problems.push(`${file}: no room is called "${room}"`);
      continue;
    }
    for (const { specifier, kind, target } of imports) {
      if (kind === "node") {
        if (!nodeAllowed.some((pattern) => pattern.test(file)))
          problems.push(`${file}: ${specifier} is not allowed in ${room}/`);
      } else if (kind === "package") {
        if (!packages[target]?.includes(room)) problems.push(`${file}: the package ${target} is not allowed in ${room}/`);
      } else {
        const other = roomOf(target);
        const allowed = other === room || common.includes(other) || rooms[room].includes(other);
        if (!allowed) problems.push(`${file}: ${room}/ may not import ${other}/ (${specifier})`);
        else if (!specifier.endsWith(".ts")) problems.push(`${file}: write the .ts ending in ${specifier}`);
      }
    }
  }
}

/** A permission that nobody uses opens a door that nobody watches. Rooms that are not built yet keep theirs. */
function checkUnused() {
  const used = new Set();
  for (const [file, imports] of graph)
    for (const { kind, target } of imports) used.add(`${roomOf(file)} ${kind === "file" ? roomOf(target) : target}`);
  const built = new Set([...graph.keys()].map(roomOf));
  for (const [room, allowed] of Object.entries(rooms))
    for (const other of allowed)
      if (built.has(room) && built.has(other) && !used.has(`${room} ${other}`))
        problems.push(`scripts/check-imports.mjs: no file of ${room}/ imports ${other}/: remove the permission`);
  for (const [name, allowed] of Object.entries(packages))
    for (const room of allowed)
      if (!used.has(`${room} ${name}`))
        problems.push(`scripts/check-imports.mjs: no file of ${room}/ imports the package ${name}: remove the permission`);
}

function checkCircles() {
  for (const circle of findCircles(graph)) problems.push(`these files import each other in a circle: ${circle.join(", ")}`);
}

/** What a browser loads reaches no module of Node, however far. */
function checkBrowser() {
  for (const way of findWaysToNode(graph, "src/browser.ts")) problems.push(`src/browser.ts reaches Node: ${way.join(" -> ")}`);
}

/** Only native/addon speaks to Node: kernels are plain C++. */
function checkNapi() {
  const sources = listFiles("native", (path) => /\.(cc|h|inl)$/.test(path)).map((path) => path.replaceAll("\\", "/"));
  for (const file of sources) {
    if (/^native\/(addon|build)\//.test(file)) continue;
    const header = /#include\s*[<"]((?:napi|node_api|js_native_api|node)[\w-]*\.h)[>"]/.exec(
      readFileSync(join(root, file), "utf8"),
    );
    if (header) problems.push(`${file}: ${header[1]} is not allowed outside native/addon/`);
  }
}

function checkLength() {
  for (const folder of ["src", "native", "test", "bench", "scripts"]) {
    for (const path of listFiles(folder, (file) => /\.(ts|mjs|cc|h|inl)$/.test(file))) {
      const file = path.replaceAll("\\", "/");
      if (/^native\/build|^test\/fixtures\//.test(file)) continue;
      const lines = readFileSync(join(root, file), "utf8").trimEnd().split("\n").length;
      if (lines > lineLimit) problems.push(`${file}: ${lines} lines, at most ${lineLimit}: one idea per file`);
    }
  }
}
