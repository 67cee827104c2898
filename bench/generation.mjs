/**
 * Decode at batch 1 and a 512-token prefill, tsumugi beside Python transformers, in turns on one machine.
 *
 *   node bench/generation.mjs [--python PYTHON] [--rounds 3] [--threads 2] [--dtype bfloat16] [--shape llama-1b] [--folder DIR] [--out FILE]
 *
 * PYTHON needs torch and transformers; without it only tsumugi is measured. Random weights (bench/make-checkpoint.mjs).
 * Prefill is 512 tokens / the time of generate() with one new token. Decode is 64 tokens / (time of 65 − time of 1 new tokens)
 * after a prompt of 16. Each round starts both programs anew; the result holds every run, the medians and their ratio.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeCheckpoint } from "./make-checkpoint.mjs";

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "3" },
    runs: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    dtype: { type: "string", default: "bfloat16" },
    shape: { type: "string", default: "llama-1b" },
    folder: { type: "string" },
    out: { type: "string" },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const folder = makeCheckpoint(values.folder ?? join(tmpdir(), `tsumugi-bench-${values.shape}`), values.shape);
const common = [folder, "--threads", values.threads, "--dtype", values.dtype, "--runs", values.runs];
const sides = [{ command: process.execPath, args: [join(here, "sides/tsumugi.mjs"), ...common] }];
if (values.python) sides.push({ command: values.python, args: [join(here, "sides/python-transformers.py"), ...common] });

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const side of sides) {
    const before = loadavg()[0];
    const result = spawnSync(side.command, side.args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    if (result.status !== 0) throw new Error(`${side.args[0]} ended with ${result.status ?? result.signal}`);
    const measured = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
    rounds.push({ round, loadAverageBefore: before, ...measured });
    console.error(`round ${round + 1} ${measured.side}: ${format(measured)}`);
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const summary = {};
for (const name of new Set(rounds.map((round) => round.side))) {
  const own = rounds.filter((round) => round.side === name);
  summary[name] = {
    prefillTokensPerSecond: median(own.flatMap((round) => round.prefillTokensPerSecond)),
    decodeTokensPerSecond: median(own.flatMap((round) => round.decodeTokensPerSecond)),
    peakMemoryBytes: Math.max(...own.map((round) => round.peakMemoryBytes)),
  };
}
if (summary.transformers) {
  summary.ratio = {
    prefill: summary.tsumugi.prefillTokensPerSecond / summary.transformers.prefillTokensPerSecond,
    decode: summary.tsumugi.decodeTokensPerSecond / summary.transformers.decodeTokensPerSecond,
  };
}
const document = {
  what: `generate, ${values.shape}, ${values.dtype}, ${values.threads} threads`,
  date: new Date().toISOString(),
  machine: machine(),
  summary,
  rounds,
};
const out = values.out ?? join(here, "results", `generation-${values.shape}-${values.dtype}.json`);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(document, null, 1)}\n`);
console.log(JSON.stringify(summary, null, 1));

function format({ prefillTokensPerSecond, decodeTokensPerSecond, peakMemoryBytes }) {
  const list = (numbers) => numbers.map((n) => n.toFixed(1)).join(" ");
  return `prefill ${list(prefillTokensPerSecond)} tokens/s, decode ${list(decodeTokensPerSecond)} tokens/s, peak ${(peakMemoryBytes / 1e9).toFixed(2)} GB`;
}

function machine() {
  let flags = "";
  try {
    flags = readFileSync("/proc/cpuinfo", "utf8").match(/^flags\s*:(.*)$/m)?.[1] ?? "";
  } catch {
    // not Linux: the processor's name must do
  }
  const known = [
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
  ];
  return {
    processor: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    instructionSets: known.filter((name) => flags.split(" ").includes(name)),
  };
}
