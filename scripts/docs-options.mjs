/**
 * Writes the tables of options in docs/generation.md from the definitions of the options.
 *
 *   npm run docs:options [-- --check]
 *
 * --check writes nothing, and exits with 1 when the tables are not what would be written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./ensure.mjs";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const load = (module) => import(new URL(`../dist/${module}.js`, import.meta.url).href);
const { callOptionDefinitions } = await load("generate/option-definitions");
const { fieldDefinitions } = await load("decoding/generation-fields");
const { fieldFamilies } = await load("decoding/define-field");
const { processorDefinitions } = await load("sampling/index");

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const nameOf = ({ name }) => `\`${name}\``;
const defaultOf = ({ default: value }) => (value === null ? "" : `\`${JSON.stringify(value)}\``);
const textOf = ({ description, sampling }, isMarked = true) =>
  cell(sampling && isMarked ? `${description} With \`doSample: true\` only.` : description);
const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`.replace(/\| +\|/g, "| |")).join("\n");

const rowOf = (definition) => [nameOf(definition), defaultOf(definition), textOf(definition)];
const tables = {
  processors: table(
    ["", "option", "default", ""],
    processorDefinitions.map((definition) => [String(definition.order), ...rowOf(definition)]),
  ),
  fields: fieldFamilies
    .map((family) => {
      const rows = fieldDefinitions.filter((definition) => definition.family === family).map(rowOf);
      return `**${family}**\n\n${table(["option", "default", ""], rows)}`;
    })
    .join("\n\n"),
  call: table(
    ["option", ""],
    callOptionDefinitions.map((definition) => [nameOf(definition), textOf(definition)]),
  ),
};

const path = join(root, "docs/generation.md");
const before = readFileSync(path, "utf8");
const after = before.replace(/<!-- options: (\w+) -->\n[\s\S]*?<!-- end -->/g, (_, name) => {
  if (!(name in tables)) throw new Error(`docs/generation.md has a place for a table "${name}", which is not known`);
  return `<!-- options: ${name} -->\n\n${tables[name]}\n\n<!-- end -->`;
});
if (!values.check) writeFileSync(path, after);
else if (after !== before) {
  console.error("docs/generation.md is not current: run `npm run docs:options`.");
  process.exitCode = 1;
}
