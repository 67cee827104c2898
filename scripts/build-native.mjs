/**
 * Builds native/build/Release/tsumugi.node with node-gyp, unless it is up to date.
 *
 * `--optional` (npm's install script): a failure is one line and exit code 0, because the package works without the addon on
 * device "reference". `--quiet` beside it: not even the line, for callers that tell it themselves. What became of the build
 * stands in native/build/record.json. Node's headers are taken from this machine when they are there: Node-API is the same in
 * every version, so what is built with one works with all; otherwise node-gyp downloads them. Builds wait for each other.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { takeLock } from "./build-lock.mjs";
import { createBuildProgress } from "./build-progress.mjs";
import { readFailure, writeRecord } from "./build-record.mjs";
import { findCompiler, missingInOutput, missingTools } from "./native-tools.mjs";
import { nodePrefix } from "./node-prefix.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const native = join(root, "native");
const optional = process.argv.includes("--optional");
const quiet = process.argv.includes("--quiet");
const folder = join(native, "build");
const addon = join(folder, "Release/tsumugi.node");
const stampFile = join(folder, "stamp");
const again = `node "${fileURLToPath(import.meta.url)}"`;
/** As many compilers as there are processors, and a gigabyte for each. */
const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2 ** 30), 16));
const require = createRequire(import.meta.url);

if (!process.argv.includes("--force") && isUpToDate(sourceStamp())) process.exit(0);

let lock;
try {
  lock = await takeLock(join(native, ".build-lock"), {
    onWait: () => console.error("tsumugi: another build of the native addon is under way; waiting for it."),
  });
} catch ({ message }) {
  // a folder that cannot be written to
  console.error(`tsumugi: the native addon was not built: ${message}. Device "reference" works without it.`);
  process.exit(optional ? 0 : 1);
}
let child;
process.on("exit", () => lock.release());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    child?.kill(signal);
    process.exit(1);
  });
}
// What somebody else has just built may be what is wanted here. Sources that change from now on are for the next build.
const stamp = sourceStamp();
if (!process.argv.includes("--force") && isUpToDate(stamp)) process.exit(0);

const missing = missingTools();
if (missing.length > 0) failFor(missing);
else {
  writeRecord(folder, { outcome: "started" });
  const { output, failed } = await build();
  const unfound = missingInOutput(output);
  if (failed && !optional) console.error(output.trimEnd());
  if (failed && unfound.length > 0) failFor(unfound, output);
  else if (failed) {
    const failure = readFailure(output);
    writeRecord(folder, { outcome: "failed", ...failure }, output);
    fail(`${failure.summary} (${join(folder, "build.log")})`);
  } else {
    writeRecord(folder, { outcome: "built" }, output);
    writeFileSync(stampFile, stamp);
  }
}

function failFor(tools, output) {
  writeRecord(folder, { outcome: "tools", missing: tools }, output);
  fail(`not found on this machine: ${tools.join(", ")}`);
}

/** One line about a build that was not possible. */
function fail(reason) {
  if (!quiet) {
    const after = optional ? `Device "reference" works without it; for device "cpu" mend that and run \`${again}\`.` : "";
    console.error(`tsumugi: the native addon was not built: ${reason}. ${after}`.trimEnd());
  }
  process.exitCode = optional ? 0 : 1;
}

function isUpToDate(stamp) {
  return existsSync(addon) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
}

async function build() {
  let gyp;
  try {
    gyp = require.resolve("node-gyp/bin/node-gyp.js");
  } catch {
    return { output: "node-gyp is not installed: run `npm install` first.", failed: true };
  }
  // A changed list of sources needs a new Makefile; `configure` is quick.
  const commands = [["configure"], ["build"]];
  const sources = ["addon", "kernels"].flatMap((part) =>
    readdirSync(join(native, part)).filter((file) => file.endsWith(".cc")),
  );
  const progress = createBuildProgress(sources.length, jobs);
  let output = "";
  let failed = false;
  const node = nodePrefix();
  for (const command of commands) {
    const given = [gyp, ...command, "-C", native, "--loglevel=error", "-j", `${jobs}`, ...(node ? [`--nodedir=${node}`] : [])];
    const result = await run(given, progress.push);
    output += result.output;
    failed = result.status !== 0;
    if (failed) break;
  }
  progress.end(failed);
  return { output, failed: failed || !existsSync(addon) };
}

/** Runs Node with these arguments in native/; all that it printed. */
function run(given, onText) {
  return new Promise((resolve) => {
    const compiler = process.platform === "win32" ? undefined : findCompiler();
    // A compiler of tomorrow warns of more. That is for who works on the sources (.ci/run), and must not fail an installation.
    const flags = `${process.env.CXXFLAGS ?? ""}${process.env.TSUMUGI_WERROR ? "" : " -Wno-error"}`;
    const env = { ...process.env, MAKEFLAGS: undefined, CXXFLAGS: flags, ...(compiler && { CXX: compiler }) };
    child = spawn(process.execPath, given, { cwd: native, env });
    if (child.pid) lock.add(child.pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        onText(text);
      });
    }
    child.on("error", ({ message }) => resolve({ output: `${message}\n`, status: 1 }));
    child.on("close", (status) => resolve({ output, status }));
  });
}

/** Changes when a source, the build file, the platform or the library of bindings does. */
function sourceStamp() {
  const hash = createHash("sha256");
  hash.update(`${process.platform} ${process.arch} ${process.env.CXX ?? ""} ${process.env.CXXFLAGS ?? ""}\n`);
  for (const folder of ["addon", "include", "kernels"]) {
    for (const file of readdirSync(join(native, folder)).sort()) {
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(native, folder, file)));
    }
  }
  hash.update(readFileSync(join(native, "binding.gyp")));
  return hash.digest("hex");
}
