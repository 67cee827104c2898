/**
 * Builds native/build/Release/tsumugi.node with node-gyp, unless it is up to date.
 *
 * `--optional` (npm's install script): a failure is one short message and exit code 0; the package works without the
 * addon on device "reference". Node's headers are taken from this machine when they are there: Node-API is the same in
 * every version, so what is built with one works with all; otherwise node-gyp downloads them. Builds wait for each other.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { takeLock } from "./build-lock.mjs";
import { nodePrefix } from "./node-prefix.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const native = join(root, "native");
const optional = process.argv.includes("--optional");
const addon = join(native, "build/Release/tsumugi.node");
const stampFile = join(native, "build/stamp");
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

const { output, failed } = await build();
if (!failed) {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
} else if (optional) {
  console.error(
    'tsumugi: the native addon was not built (it needs a C++20 compiler, make and python3). Device "reference" works without it;\n' +
      `for device "cpu" install them and run \`node "${fileURLToPath(import.meta.url)}"\`, which shows the reason.`,
  );
} else {
  console.error(output);
  console.error("tsumugi: the native addon could not be built. It needs a C++20 compiler, make and python3.");
  process.exit(1);
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
  let output = "";
  const node = nodePrefix();
  for (const command of commands) {
    const given = [gyp, ...command, "-C", native, "--loglevel=error", "-j", "2", ...(node ? [`--nodedir=${node}`] : [])];
    const result = await run(given);
    output += result.output;
    if (result.status !== 0) return { output, failed: true };
  }
  return { output, failed: !existsSync(addon) };
}

/** Runs Node with these arguments in native/; all that it printed. */
function run(given) {
  return new Promise((resolve) => {
    child = spawn(process.execPath, given, { cwd: native, env: { ...process.env, MAKEFLAGS: undefined } });
    if (child.pid) lock.add(child.pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
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
