/**
 * Compiles src/ to dist/ with tsc, when src/ has changed since the last time.
 *   node scripts/build-ts.mjs [--optional]     --optional: do nothing where the compiler is not installed (npm's prepare)
 */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hashFiles, listFiles, root, run, stampMatches, writeStamp } from "./ensure.mjs";

const stamp = "dist/.stamp";
const compiler = join(root, "node_modules/typescript/bin/tsc");

if (!existsSync(compiler) && process.argv.includes("--optional")) process.exit(0);
const sources = listFiles("src", (path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
const hash = hashFiles([...sources, "tsconfig.json", "tsconfig.build.json", "package.json"]);
if (!stampMatches(stamp, hash)) {
  console.error("tsumugi: compiling TypeScript …");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  run(process.execPath, [compiler, "-p", "tsconfig.build.json"]);
  chmodSync(join(root, "dist/cli/main.js"), 0o755);
  writeStamp(stamp, hash);
}
