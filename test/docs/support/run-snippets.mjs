/**
 * Runs compiled snippets one after the other in this process, so that the library and its addon are loaded once, and writes what
 * each printed: node run-snippets.mjs RESULT.json SNIPPET.js…   RESULT: { [file]: { output: string } | { error: string } }
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [result = "", ...files] = process.argv.slice(2);
/** @type {Record<string, { output: string } | { error: string }>} */
const results = {};
let output = "";
process.stdout.write = (/** @type {string | Uint8Array} */ text) => {
  output += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
  return true;
};
for (const file of files) {
  output = "";
  try {
    await import(pathToFileURL(file).href);
    results[file] = { output };
  } catch (error) {
    results[file] = { error: String(error instanceof Error ? error.stack : error) };
  }
}
writeFileSync(result, JSON.stringify(results));
