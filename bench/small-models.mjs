/**
 * What a token of small models costs: tsumugi beside a Llama in plain C loops (bench/sides/plain_loop.c), in turns.
 *
 *   node bench/small-models.mjs [--rounds 5] [--threads 2] [--tokens 200] [--cc cc] [--out FILE]
 *
 * The 15M shape (llama2.c's), float32, random weights, greedy, one token at a time: tokens/s of `tokens` tokens behind one, medians
 * and spread over the rounds, and the ratio. The C program is compiled with -Ofast -march=native -fopenmp.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { AutoModelForCausalLM } from "../dist/index.js";
import { makeCheckpoint } from "./make-checkpoint.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    tokens: { type: "string", default: "200" },
    cc: { type: "string", default: "cc" },
    out: { type: "string" },
  },
});
const threads = Number(values.threads);
const tokens = Number(values.tokens);
const program = join(tmpdir(), "tsumugi-plain-loop");
const flags = ["-Ofast", "-march=native", "-fopenmp"];
execFileSync(values.cc, [...flags, join(import.meta.dirname, "sides/plain_loop.c"), "-lm", "-o", program]);

function plainLoop() {
  const shape = ["288", "6", "6", "768", "32000", String(tokens), "2"];
  const out = execFileSync(program, shape, { encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: values.threads } });
  return Math.max(...JSON.parse(out).tokensPerSecond);
}

const folder = makeCheckpoint(join(tmpdir(), "tsumugi-bench-llama-15m"), "llama-15m");
const model = await AutoModelForCausalLM.fromPretrained(folder, {
  dtype: "float32",
  device: "cpu",
  threads,
  localFilesOnly: true,
});
async function tsumugi() {
  const seconds = async (maxNewTokens) => {
    const start = performance.now();
    await model.generate({ inputIds: [[1]], maxNewTokens, minNewTokens: maxNewTokens, doSample: false });
    return (performance.now() - start) / 1000;
  };
  const one = await seconds(1);
  return tokens / ((await seconds(tokens + 1)) - one);
}

await tsumugi();
const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  rounds.push({ tsumugi: await tsumugi(), plainLoop: plainLoop() });
  console.error(
    `round ${round + 1}: tsumugi ${rounds[round].tsumugi.toFixed(0)}, C ${rounds[round].plainLoop.toFixed(0)} tokens/s`,
  );
}
await model.dispose();
const sorted = (name) => rounds.map((round) => round[name]).toSorted((a, b) => a - b);
const median = (name) => sorted(name)[Math.floor(rounds.length / 2)];
const machine = { processor: cpus()[0]?.model, cores: availableParallelism(), node: process.version };
const result = {
  machine,
  shape: "llama-15m",
  dtype: "float32",
  threads,
  tokens,
  rounds,
  median: { tsumugi: median("tsumugi"), plainLoop: median("plainLoop") },
  ratio: median("tsumugi") / median("plainLoop"),
};
console.error(`tsumugi / C: ${result.ratio.toFixed(2)}`);
if (values.out) {
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
}
