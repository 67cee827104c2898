/**
 * What `npm start` and `npm test` need, made once: dependencies, the native addon and the compiled TypeScript.
 * Each step is skipped when its inputs have not changed since it last succeeded.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Files below `folder` (relative to the root) that `accept` takes, in a stable order.
 * @param {string} folder
 * @param {(path: string) => boolean} accept
 * @returns {string[]}
 */
export function listFiles(folder, accept = () => true) {
  /** @type {string[]} */
  const found = [];
  const walk = (directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (accept(path)) found.push(relative(root, path));
    }
  };
  walk(join(root, folder));
  return found.sort();
}

/** One hash over names and contents of files, and over extra strings. */
export function hashFiles(files, ...extra) {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`${text}\0`);
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

/** Whether the stamp file holds this hash. */
export function stampMatches(stamp, hash) {
  const path = join(root, stamp);
  return existsSync(path) && readFileSync(path, "utf8") === hash;
}

/** Writes a stamp whole or not at all. */
export function writeStamp(stamp, hash) {
  const path = join(root, stamp);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, hash);
  renameSync(`${path}.${process.pid}`, path);
}

/**
 * Runs a program in the root; ends this process with its status when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv }} options
 */
export function run(command, args, { quiet = false, env = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["inherit", 2, 2],
    encoding: "utf8",
    env: { ...process.env, ...env },
    shell: process.platform === "win32",
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    if (quiet) process.stderr.write(`${result.stdout}${result.stderr}`);
    console.error(`tsumugi: \`${command} ${args.join(" ")}\` failed (exit ${result.status ?? result.signal}).`);
    process.exit(result.status || 1);
  }
}

/** npm writes node_modules/.package-lock.json last: when it is younger than package-lock.json, what is locked is installed. */
function dependenciesInstalled() {
  const installed = join(root, "node_modules/.package-lock.json");
  const tools = ["typescript", "vitest", "node-gyp"].map((name) => join(root, "node_modules", name, "package.json"));
  if (![installed, ...tools].every((path) => existsSync(path))) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

function ensureDependencies() {
  if (dependenciesInstalled()) return;
  console.error("tsumugi: installing dependencies …");
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { quiet: true });
}

/**
 * Installs and builds what is missing. Messages go to stderr: stdout belongs to the job. With `optionalAddon` a machine
 * without a compiler goes on without a word: device "auto" says what is missing, and runs on device "reference".
 */
export function ensureBuilt({ optionalAddon = false } = {}) {
  ensureDependencies();
  run(process.execPath, ["scripts/build-native.mjs", ...(optionalAddon ? ["--optional", "--quiet"] : [])]);
  run(process.execPath, ["scripts/build-ts.mjs"]);
}
