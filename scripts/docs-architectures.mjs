/**
 * Writes docs/architectures.md: every architecture that loads, with what its file in src/models/arch says of it, and every
 * multimodal type whose text part loads.
 *
 *   npm run docs:architectures [-- --check]
 *
 * --check writes nothing, and exits with 1 when the file is not what would be written.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./ensure.mjs";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const models = await import(new URL("../dist/models/index.js", import.meta.url).href);

/** The comment above an exported architecture, and its `model_type`, which is an argument or the first field. */
const exported = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const \w+ = \w+\(\s*(?:\{\s*modelType: )?"(\w+)"/g;
const folder = "src/models/arch";
const described = new Map();
for (const file of readdirSync(join(root, folder)).sort()) {
  if (file.endsWith(".test.ts")) continue;
  for (const [, comment, type] of readFileSync(join(root, folder, file), "utf8").matchAll(exported)) {
    const text = comment.replace(/\s*\n \* ?/g, " ").trim();
    described.set(type, { file, text: text.replace(/\s*Source: .*$/, "").replaceAll("|", "\\|") });
  }
}

const rows = models.supportedModelTypes.map((type) => {
  const { file, text } = described.get(type) ?? {};
  if (!text) throw new Error(`${folder}: the architecture ${type} has no comment that says what it is`);
  return `| [${type}](../${folder}/${file}) | ${text} |`;
});
const document = `# Architectures

Written by \`npm run docs:architectures\`; a test holds it against the code.

The \`model_type\`s of config.json that load (\`supportedModelTypes\`): ${rows.length}.

| model_type | what it is |
|---|---|
${rows.join("\n")}

Multimodal \`model_type\`s whose text part loads (\`supportedMultimodalTypes\`): ${models.supportedMultimodalTypes.length}.

${models.supportedMultimodalTypes.join(", ")}.
`;

const path = join(root, "docs/architectures.md");
if (!values.check) writeFileSync(path, document);
else if (!existsSync(path) || readFileSync(path, "utf8") !== document) {
  console.error("docs/architectures.md is not current: run `npm run docs:architectures`.");
  process.exitCode = 1;
}
