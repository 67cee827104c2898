/**
 * Prefill, decoding, and 8 and 32 sequences together: tsumugi and every peer that is present, in turns, each in a process of its own.
 *
 *   npm run bench -- [--shape llama-1b] [--rounds 5] [--threads 2] [--formats bfloat16,int8,…] [--python PYTHON] [--modules FOLDER]
 *                    [--gguf FOLDER] [--only prefill,decode1,decode8,decode32] [--sides tsumugi,llama.cpp] [--folder FOLDER] [--out FILE] [--no-docs]
 *
 * --python   an interpreter that has torch and transformers: adds transformers
 * --modules  a folder in whose node_modules node-llama-cpp (or onnxruntime-node) is installed; default: the project itself
 * --onnx     a decoder in ONNX (a folder made by bench/sides/make_onnx.py): adds onnxruntime-node
 *
 * The weights are random, of a real shape (bench/make-checkpoint.mjs); GGUF files are made of them by `tsumugi quantize`. Each round
 * runs every side once. Right before and after each workload the side reads the bandwidth of the machine, which changes
 * from second to second on virtual machines; the peaks of the arithmetic units are read at the beginning of each round.
 * Results: bench/results/<machine>-<shape>.json, with every run; then docs/performance.md and its charts are made anew of all results.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine, machineName } from "./lib/describe-machine.mjs";
import { buildProbe, Probe } from "./lib/probe.mjs";
import { findSides } from "./lib/sides.mjs";
import { summarise } from "./lib/summarise.mjs";
import { workloads } from "./lib/workloads.mjs";
import { writeReport } from "./lib/write-report.mjs";
import { makeCheckpoint } from "./make-checkpoint.mjs";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    shape: { type: "string", default: "llama-1b" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    formats: { type: "string", default: "bfloat16,int8,int4,nf4,gguf:q8_0,gguf:q4_0" },
    python: { type: "string" },
    modules: { type: "string" },
    onnx: { type: "string" },
    only: { type: "string", default: workloads.map(({ name }) => name).join() },
    sides: { type: "string", default: "" },
    folder: { type: "string", default: join(tmpdir(), "tsumugi-bench") },
    out: { type: "string" },
    docs: { type: "boolean", default: true },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const threads = Number(values.threads);
const program = buildProbe(values.folder);
const checkpoint = makeCheckpoint(join(values.folder, values.shape), values.shape);
const sides = findSides({ ...values, checkpoint, program, workloads }).filter(({ name, format }) =>
  values.sides.split(",").some((wanted) => `${name} ${format}`.startsWith(wanted)),
);
const machine = describeMachine();
const out = values.out ?? join(here, "results", `${machineName(machine)}-${values.shape}.json`);
mkdirSync(dirname(out), { recursive: true });
const rounds = [];
const peaks = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const probe = new Probe(program, threads);
  peaks.push(await probe.peaks());
  probe.close();
  for (const { name, format, command, args } of sides) {
    const loadAverageBefore = loadavg()[0];
    const result = spawnSync(command, [...args, "--round", String(round)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const measured = result.status === 0 ? JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") : undefined;
    if (!measured) console.error(`${name} ${format} ended with ${result.status ?? result.signal}: this round goes without it`);
    else rounds.push({ round, side: name, format, loadAverageBefore, ...measured });
    if (measured) console.error(`round ${round + 1} ${name} ${format}: ${shown(measured.results)}`);
  }
  // after each round: who stops it keeps what is there
  const summary = summarise(rounds, peaks, values.shape);
  const document = { shape: values.shape, threads, date: new Date().toISOString(), machine, summary, peaks, rounds };
  writeFileSync(out, `${JSON.stringify(document, null, 1)}\n`);
}
if (values.docs) writeReport();

function shown(results) {
  return Object.entries(results)
    .map(([name, { tokensPerSecond }]) => `${name} ${tokensPerSecond.toFixed(1)}`)
    .join(", ");
}
