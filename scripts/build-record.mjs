/**
 * What became of the last build of the native addon, beside it: native/build/record.json, and what the build printed in
 * build.log. `src/backends/cpu/missing-addon.ts` reads them to tell a user why there is no addon.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} BuildRecord
 * @property {"started" | "tools" | "failed" | "built"} outcome "started": it was interrupted, or it is still under way
 * @property {string[]} [missing] what was not found on this machine, with "tools"
 * @property {string} [summary] the first error that the build printed, with "failed"
 * @property {string[]} [lastLines] its last lines, with "failed"
 */

/**
 * @param {string} folder native/build
 * @param {BuildRecord} record
 * @param {string} [output] what the build printed
 */
export function writeRecord(folder, record, output) {
  mkdirSync(folder, { recursive: true });
  if (output !== undefined) writeFileSync(join(folder, "build.log"), output);
  const { platform, arch } = process;
  writeFileSync(join(folder, "record.json"), JSON.stringify({ ...record, platform, arch, node: process.version }));
}

/**
 * The lines of a failed build that say why: the first that names an error, and the last ones.
 *
 * @param {string} output
 */
export function readFailure(output) {
  const lines = output.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "").split("\n");
  const said = lines.map((line) => line.trimEnd().slice(0, 300)).filter((line) => line.trim() !== "");
  const isError = (line) =>
    /\b(fatal )?error\b[: ]|not found|Killed|No space left/i.test(line) && !/^make(\[\d+\])?: /.test(line);
  return { summary: (said.find(isError) ?? said.at(-1) ?? "it printed nothing").trim(), lastLines: said.slice(-8) };
}
