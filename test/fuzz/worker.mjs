/**
 * Runs the cases that run.mjs sends to this process: { target, seed }. Answers { code?, failure?, seconds, megabytes }: `code` of a
 * coded error, `failure` of what must not be. Where it hangs or dies, run.mjs sees that.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "./random.mjs";
import { targets } from "./targets/index.mjs";

const tsumugi = await import("../../dist/index.js");
const directory = mkdtempSync(join(tmpdir(), "tsumugi-fuzz-"));
const shared = {};
/** @type {string | undefined} */
let rejected;

process.on("unhandledRejection", (reason) => {
  rejected = `unhandled rejection: ${describe(reason)}`;
});
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
process.on("disconnect", () => process.exit());
for (const name of /** @type {const} */ (["log", "warn", "error"])) console[name] = () => {};

process.on("message", async ({ target, seed }) => {
  rejected = undefined;
  const before = process.cpuUsage();
  /** @type {{ code?: string, failure?: string }} */
  let found = {};
  try {
    await targets[target]?.run({ random: seededRandom(seed), directory, shared, tsumugi });
  } catch (error) {
    found = isCoded(error) ? { code: error.code } : { failure: describe(error) };
  }
  // a promise that nobody waits for rejects a turn later
  await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.send?.({ ...found, ...(rejected ? { failure: rejected } : {}), seconds: (user + system) / 1e6, megabytes });
});
process.send?.({ ready: true });

/** `internal` is a code that says that the code is wrong. */
function isCoded(error) {
  return tsumugi.TsumugiError.isInstance(error) && error.code !== "internal";
}

function describe(error) {
  return String(error?.stack ?? error).slice(0, 2000);
}
