/** Makes docs/performance.md's tables and charts anew of all results that bench/results holds. Run by itself: node bench/lib/write-report.mjs */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { barChart } from "./chart.mjs";
import { workloads } from "./workloads.mjs";

const at = (name) => new URL(`../../${name}`, import.meta.url);
const titles = {
  prefill: ["Prefill of 512 tokens", "512 トークンのプリフィル"],
  decode1: ["Decoding, 1 sequence", "デコード（1 系列）"],
  decode8: ["Decoding, 8 sequences together", "デコード（8 系列を同時に）"],
  decode32: ["Decoding, 32 sequences together", "デコード（32 系列を同時に）"],
};
const begin = "<!-- results: made by `npm run bench` -->";
const end = "<!-- end of results -->";

/** Tables and charts of every file of results that has a `shape`. */
export function writeReport() {
  const files = readdirSync(at("bench/results")).filter((name) => name.endsWith(".json"));
  const documents = files.map((name) => ({ name, ...JSON.parse(readFileSync(at(`bench/results/${name}`), "utf8")) }));
  mkdirSync(at("docs/charts"), { recursive: true });
  const text = documents
    .filter(({ shape, summary }) => shape && Array.isArray(summary))
    .map(section)
    .join("\n\n");
  const page = at("docs/performance.md");
  const before = readFileSync(page, "utf8");
  const [head, rest] = before.split(begin);
  const tail = rest?.split(end)[1];
  if (tail === undefined) throw new Error(`docs/performance.md has no lines "${begin}" and "${end}"`);
  writeFileSync(page, `${head}${begin}\n\n${text}\n\n${end}${tail}`);
}

function section({ name, shape, threads, date, machine, summary, rounds }) {
  const charts = workloads.filter(({ name: workload }) => summary.some((entry) => entry.workload === workload));
  const pictures = charts.map(({ name: workload }) => {
    const [english, japanese] = titles[workload];
    const file = `docs/charts/${name.replace(/\.json$/, "")}-${workload}.svg`;
    const bars = summary
      .filter((entry) => entry.workload === workload)
      .toSorted((a, b) => b.tokensPerSecond - a.tokensPerSecond)
      .map(({ side, format, tokensPerSecond, least, most }) => ({
        label: `${side} ${format}`,
        value: tokensPerSecond,
        least,
        most,
        own: side === "tsumugi",
      }));
    writeFileSync(at(file), barChart({ title: `${english} / ${japanese}`, unit: "tokens/s", bars }));
    return `![${english}: tokens a second, medians, with the spread as a line](${file.replace("docs/", "")})\n*${english} / ${japanese}*`;
  });
  const count = Math.max(...rounds.map(({ round }) => round)) + 1;
  return [
    `### ${shape}: ${machine.processor}, ${machine.cores} cores, ${machine.instructionSets.at(-1)}`,
    `${date.slice(0, 10)}, ${threads} threads, medians of ${count} rounds ([every run](../bench/results/${name})). tokens/s; in brackets the least and the most.`,
    table(summary),
    ...pictures,
  ].join("\n\n");
}

function table(summary) {
  const keys = [...new Set(summary.map(({ side, format }) => `${side} ${format}`))];
  const entryOf = (key, workload) => summary.find((one) => `${one.side} ${one.format}` === key && one.workload === workload);
  const names = workloads.map(({ name }) => name).filter((name) => summary.some(({ workload }) => workload === name));
  const cell = (entry) => {
    if (!entry) return "–";
    const { tokensPerSecond, least, most, shareOfLimit, ratioToBestPeer } = entry;
    const digits = tokensPerSecond < 100 ? 1 : 0;
    const share = shareOfLimit === undefined ? "" : `, ${Math.round(100 * shareOfLimit)} % of the limit`;
    const ratio = ratioToBestPeer === undefined ? "" : `, **${ratioToBestPeer.toFixed(2)} ×**`;
    return `${tokensPerSecond.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})${share}${ratio}`;
  };
  const rows = keys.map((key) => {
    const cells = names.map((name) => cell(entryOf(key, name)));
    const any = summary.find((one) => `${one.side} ${one.format}` === key);
    return `| ${key} | ${cells.join(" | ")} | ${(any.peakMemoryBytes / 1e9).toFixed(2)} | ${any.loadSeconds.toFixed(1)} |`;
  });
  return [
    `| | ${names.map((name) => titles[name][0]).join(" | ")} | peak GB | load s |`,
    `|---|${names.map(() => "---|").join("")}---|---|`,
    ...rows,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeReport();
