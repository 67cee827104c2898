/**
 * `npm test`: builds what is missing, then runs every test. Arguments go to vitest: `npm test -- --project unit`.
 * `npm run test:long` (--long): what takes too long for each commit, the vitest project "long", instead.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, root } from "./ensure.mjs";

const long = process.argv[2] === "--long";
ensureBuilt();
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(long ? 3 : 2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ...(long ? { TSUMUGI_TESTS: "long" } : {}) },
});
process.exit(status ?? 1);
