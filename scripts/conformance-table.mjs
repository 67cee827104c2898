/**
 * Holds the built package against every golden checkpoint in test/fixtures and writes docs/conformance.md:
 * for each checkpoint and each decoding mode, the cases and how many of them differ from Python transformers.
 *
 *   npm run build && npm run conformance [-- --device reference]
 *   npm run conformance -- --check     writes nothing: docs/conformance.md must say what is found
 *
 * Exit 1 if any case differs, or if the check finds another document.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./ensure.mjs";

const { values } = parseArgs({
  options: { device: { type: "string", default: "cpu" }, check: { type: "boolean", default: false } },
});
const tsumugi = await import(new URL("../dist/index.js", import.meta.url).href);
const { camelCase } = await import(new URL("../dist/util/letter-case.js", import.meta.url).href);
tsumugi.setWarningHandler(() => {});

const columns = ["logits", "greedy", "padded batch", "processors", "sampling", "beam search", "beam sampling"];
const same = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);

const rows = [];
for (const family of ["models", "encoder-decoder", "multimodal"]) {
  const folder = join(root, "test/fixtures", family);
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const golden = join(folder, name, "golden.json");
    if (existsSync(golden)) rows.push({ name, ...(await check(join(folder, name), JSON.parse(readFileSync(golden, "utf8")))) });
  }
}

async function check(directory, golden) {
  const counts = Object.fromEntries(columns.map((column) => [column, { cases: 0, differences: 0 }]));
  const count = (column, isSame) => {
    counts[column].cases += 1;
    if (!isSame) counts[column].differences += 1;
  };
  const encoderDecoder = golden.forward.decoder_input_ids !== undefined;
  const auto = encoderDecoder ? tsumugi.AutoModelForSeq2SeqLM : tsumugi.AutoModelForCausalLM;
  const model = await auto.fromPretrained(directory, { dtype: "float32", device: values.device, localFilesOnly: true });
  const generate = async (inputIds, attentionMask, options) => {
    const { sequences } = await model.generate({ inputIds, attentionMask, ...options });
    return sequences.map((row) => row.slice(encoderDecoder ? 0 : inputIds[0].length));
  };
  const rowsAgree = (got, want) => got.length === want.length && want.every((row, index) => same(got[index], row));
  const greedy = { maxNewTokens: 24, doSample: false };

  if (!encoderDecoder) {
    const { logits } = await model.generate({
      inputIds: [golden.forward.input_ids],
      maxNewTokens: 1,
      doSample: false,
      outputLogits: true,
      returnDictInGenerate: true,
    });
    const want = Object.values(golden.forward.logits).at(-1);
    const scale = Math.max(...want.map(Math.abs));
    count(
      "logits",
      want.every((value, index) => Math.abs(value - logits[0][0][index]) / scale < 1e-4),
    );
  }
  for (const { input_ids, new_ids } of golden.greedy) {
    count("greedy", rowsAgree(await generate([input_ids], [input_ids.map(() => 1)], greedy), [new_ids]));
  }
  if (golden.batch) {
    const { input_ids, attention_mask, new_ids } = golden.batch;
    count("padded batch", rowsAgree(await generate(input_ids, attention_mask, greedy), new_ids));
  }
  for (const { kwargs, seed, input, input_ids, new_ids } of golden.modes ?? []) {
    tsumugi.setSeed(seed);
    const mask = input === "batch" ? golden.batch.attention_mask : input_ids.map((row) => row.map(() => 1));
    const options = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]));
    const got = await generate(input_ids, mask, options).catch((error) => [[error.message]]);
    count(columnOf(kwargs), rowsAgree(got, new_ids));
  }
  await model.dispose();
  return { modelType: model.config.model_type, counts };
}

function columnOf({ num_beams, do_sample }) {
  if (num_beams > 1) return do_sample ? "beam sampling" : "beam search";
  return do_sample ? "sampling" : "processors";
}

const cell = ({ cases, differences }) => (cases === 0 ? "" : `${cases} / ${differences}`);
const total = (name) => ({
  cases: rows.reduce((sum, row) => sum + row.counts[name].cases, 0),
  differences: rows.reduce((sum, row) => sum + row.counts[name].differences, 0),
});
const line = (cells) => `| ${cells.join(" | ")} |`;
const totals = columns.map(total);
const cases = totals.reduce((sum, each) => sum + each.cases, 0);
const differences = totals.reduce((sum, each) => sum + each.differences, 0);
const path = join(root, "docs/conformance.md");
const text = `# Conformance

Written by \`npm run conformance\` (scripts/conformance-table.mjs); do not edit by hand.

Each checkpoint in [test/fixtures](../test/fixtures) is tiny, random, and of the real architecture; beside it stands what Python
transformers 5.18 answers in float32. A cell is **cases / differences**: last-position logits within 1e-4 of the largest logit;
every other case token for token, seeds included. "processors" is greedy decoding with logits processors. Device: ${values.device}, float32.

${line(["checkpoint", "model_type", ...columns])}
${line(["checkpoint", "model_type", ...columns].map(() => "---"))}
${rows.map((row) => line([row.name, row.modelType, ...columns.map((name) => cell(row.counts[name]))])).join("\n")}
${line(["**all**", "", ...totals.map(cell)])}

${cases} cases, ${differences} differences.
`;
console.log(`${rows.length} checkpoints, ${cases} cases, ${differences} differences`);
const stale = values.check && readFileSync(path, "utf8") !== text;
if (stale) console.error("docs/conformance.md does not say what was found: run `npm run conformance` and commit the document.");
if (!values.check) writeFileSync(path, text);
process.exit(differences > 0 || stale ? 1 : 0);
