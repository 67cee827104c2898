/**
 * Checks the Python of tools/ and bench/ by ruff's rules of ruff.toml; `--write` mends what ruff can mend. The layout is the
 * author's: half of these files are tables. Ruff comes from npm, compiled to WebAssembly: nothing else has to be installed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PositionEncoding, Workspace } from "@astral-sh/ruff-wasm-nodejs";
import { listFiles, root } from "./ensure.mjs";

const write = process.argv.includes("--write");
const ruff = new Workspace(readSettings(), PositionEncoding.Utf16);

let found = 0;
const files = ["tools", "bench"].flatMap((folder) => listFiles(folder, (path) => path.endsWith(".py")));
for (const file of files) {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const mended = write ? mend(text) : text;
  if (mended !== text) writeFileSync(path, mended);
  for (const { code, message, start_location: at } of ruff.check(mended))
    report(`${file}:${at.row}:${at.column}: ${code ?? "syntax"} ${message}`);
}
if (found === 0) console.log(`${files.length} files of Python hold the rules of ruff.toml`);
process.exit(found === 0 ? 0 : 1);

function report(line) {
  found += 1;
  console.error(line);
}

/** Applies one mend after the other, since each may move what stands behind it. */
function mend(text) {
  for (;;) {
    const edits = ruff.check(text).find(({ fix }) => fix)?.fix.edits;
    if (!edits) return text;
    for (const { content, location, end_location: end } of edits.toReversed())
      text = text.slice(0, offsetOf(text, location)) + (content ?? "") + text.slice(offsetOf(text, end));
  }
}

/** Rows and columns count from one. */
function offsetOf(text, { row, column }) {
  let offset = 0;
  for (let line = 1; line < row; line += 1) offset = text.indexOf("\n", offset) + 1;
  return offset + column - 1;
}

function readSettings() {
  const settings = {};
  let section = settings;
  for (const line of readFileSync(join(root, "ruff.toml"), "utf8").split("\n")) {
    const header = /^\[(\w+)\]$/.exec(line);
    const setting = /^([\w-]+) = (.+)$/.exec(line);
    if (header) section = settings[header[1]] = {};
    else if (setting) section[setting[1]] = JSON.parse(setting[2]);
    else if (line !== "" && !line.startsWith("#")) throw new Error(`ruff.toml: cannot read this line: ${line}`);
  }
  return settings;
}
