/**
 * Which file of src/ imports what, read from the source text: enough for import rules, and quicker than a compiler.
 */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { listFiles, root } from "./ensure.mjs";

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)\s*import\s*["']([^"']+)["']/g;

/** A room's name from a path below src/: the folder, or the file's own name at the top. */
export const roomOf = (path) => path.split("/")[1].replace(/\.ts$/, "");

/**
 * Every file of src/ that is not a test, with what it imports.
 * @returns {Map<string, { specifier: string, kind: "node" | "package" | "file", target: string, isTypeOnly: boolean }[]>} `target`:
 *   the module's name, the package's name, or the path of the file from the root. Imports of types alone are gone when it runs.
 */
export function readImports() {
  const graph = new Map();
  for (const path of listFiles("src", (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))) {
    const file = path.replaceAll("\\", "/");
    const source = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
    graph.set(
      file,
      [...source.matchAll(importPattern)].map((match) => ({
        ...describe(file, match[1] ?? match[2] ?? match[3]),
        isTypeOnly: /^\s*(?:import|export) type /.test(match[0]),
      })),
    );
  }
  return graph;
}

function describe(file, specifier) {
  if (specifier.startsWith("node:")) return { specifier, kind: "node", target: specifier };
  if (specifier.startsWith("."))
    return { specifier, kind: "file", target: normalize(join(dirname(file), specifier)).replaceAll("\\", "/") };
  const parts = specifier.split("/");
  return { specifier, kind: "package", target: specifier.startsWith("@") ? `${parts[0]}/${parts[1]}` : parts[0] };
}

/**
 * How files reach modules of Node when they run, from one file on: each way as the files it goes through, the module last.
 * @param {ReturnType<typeof readImports>} graph
 * @param {string} entry
 * @returns {string[][]}
 */
export function findWaysToNode(graph, entry) {
  /** @type {string[][]} */
  const found = [];
  const ways = new Map([[entry, [entry]]]);
  for (const [file, way] of ways) {
    for (const { kind, target, isTypeOnly } of graph.get(file) ?? []) {
      if (isTypeOnly) continue;
      if (kind === "node") found.push([...way, target]);
      else if (kind === "file" && !ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return found;
}

/**
 * Groups of files that reach each other through imports (Tarjan's strongly connected components of two files or more). Imports of
 * types count: two files that need each other's types are one idea in two places.
 * @param {ReturnType<typeof readImports>} graph
 * @returns {string[][]} sorted
 */
export function findCircles(graph) {
  /** @type {Record<string, number>} when a file was first met */
  const order = {};
  /** @type {Record<string, number>} the first met of the open files that it reaches */
  const lowest = {};
  let met = 0;
  /** @type {string[]} */
  const stack = [];
  const open = new Set();
  /** @type {string[][]} */
  const circles = [];
  const visit = (file) => {
    order[file] = lowest[file] = met++;
    stack.push(file);
    open.add(file);
    for (const { kind, target } of graph.get(file) ?? []) {
      if (kind !== "file" || !graph.has(target)) continue;
      if (!(target in order)) {
        visit(target);
        lowest[file] = Math.min(lowest[file], lowest[target]);
      } else if (open.has(target)) lowest[file] = Math.min(lowest[file], order[target]);
    }
    if (lowest[file] !== order[file]) return;
    const circle = stack.splice(stack.indexOf(file));
    for (const member of circle) open.delete(member);
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const file of graph.keys()) if (!(file in order)) visit(file);
  return circles;
}
