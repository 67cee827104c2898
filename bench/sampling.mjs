/**
 * What it costs to pick from logits: sampling alone, on a session whose logits are rows of a table.
 *
 *   node bench/sampling.mjs [--dist dist] [--threads 2] [--vocabulary 128256] [--runs 30] [--out FILE]
 *
 * Each case is picked from 1 row and from 8 rows at once: milliseconds of a step (from `sample` to its promise), and how much of
 * them the event loop was held; medians of `runs`, and the spread. Logits are normal: "flat" with deviation 1 (random weights),
 * "sharp" with deviation 3 (a trained model). `--dist` measures another build.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    dist: { type: "string", default: join(import.meta.dirname, "../dist") },
    threads: { type: "string", default: "2" },
    vocabulary: { type: "string", default: "128256" },
    runs: { type: "string", default: "30" },
    out: { type: "string" },
  },
});
const load = (file) => import(pathToFileURL(resolve(values.dist, file)).href);
const { createCpuBackend } = await load("backends/cpu/index.js");
const { torchStream } = await load("sampling/rng.js");
const width = Number(values.vocabulary);
const runs = Number(values.runs);
const most = 8;

let state = 1;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state + 1) / 4294967297;
};
const table = Float32Array.from({ length: 2 * most * width }, (_, index) => {
  const deviation = index < most * width ? 1 : 3;
  return deviation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
});
const bytes = new Uint8Array(table.buffer);
const source = {
  tensors: () => [{ name: "table", dtype: "float32", shape: [2 * most, width], bytes: bytes.length }],
  locate: () => bytes,
  read: async () => bytes,
};
const op = (name, inputs, outputs, weights) => ({ op: name, module: "", inputs, outputs, weights, attributes: {} });
const model = {
  modelType: "bench",
  vocabularySize: width,
  hiddenSize: width,
  maxPositions: 1 << 20,
  positionsAreBounded: false,
  programs: {
    decode: {
      values: [
        { shape: ["T", width], type: "activation" },
        { shape: ["R", width], type: "activation" },
      ],
      ops: [op("embed", [], [0], [0]), op("rows", [0], [1], [])],
      outputs: { logits: 1, hidden: 0 },
    },
  },
  weights: [{ name: "table", shape: [2 * most, width], uses: ["gather"], from: [{ tensor: "table" }] }],
  states: [],
};
const limits = { maxTokens: 16, maxSequences: 1, maxLogitRows: 16, blocks: {}, weights: "float32", activation: "float32" };
const backend = createCpuBackend();
const session = await backend.prepare(
  model,
  source,
  { ...limits, cache: "float32", taps: [] },
  { threads: Number(values.threads) },
);
const tokens = Int32Array.from({ length: 2 * most }, (_, token) => token);
const step = session.run({
  tokenIds: tokens,
  positions: tokens,
  sequenceStart: Int32Array.of(0, 2 * most),
  promptLength: Int32Array.of(2 * most),
  logitRows: tokens,
  states: [],
  copies: [],
});
await session.sample(step, []);

const warp = (how, value) => ({ kind: "warp", how, value, minTokensToKeep: 1 });
const penalty = () => {
  const tokens = Int32Array.from({ length: 500 }, (_, index) => (index * 7919) % width);
  return { kind: "edit", how: "lift", tokens, values: new Float32Array(500).fill(1.1) };
};
const cases = [
  { name: "greedy", pick: "argmax", steps: [] },
  { name: "temperature", pick: "draw", steps: [warp("temperature", 0.8)] },
  { name: "top-k 50", pick: "draw", steps: [warp("topK", 50)] },
  { name: "top-p 0.9", pick: "draw", steps: [warp("temperature", 0.8), warp("topP", 0.9)] },
  { name: "top-k 50, top-p 0.9", pick: "draw", steps: [warp("temperature", 0.8), warp("topK", 50), warp("topP", 0.9)] },
  { name: "min-p 0.05", pick: "draw", steps: [warp("minP", 0.05)] },
  { name: "typical-p 0.9", pick: "draw", steps: [warp("typicalP", 0.9)] },
  { name: "penalty, top-p 0.9, 5 logprobs", pick: "draw", steps: [penalty(), warp("topP", 0.9)], logprobs: 5 },
];
const seeded = torchStream(1);
const streams = {
  counter: (row, run) => ({ stream: { kind: "counter", seed: 1, position: run }, offset: 2 * width * row }),
  torch: (row, run, rows) => ({ stream: seeded, offset: 2 * width * (run * rows + row) }),
};
const quantile = (list, share) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * share)];
const results = [];
for (const logits of ["flat", "sharp"]) {
  for (const { name, pick, steps, logprobs } of cases) {
    for (const stream of pick === "draw" ? ["counter", "torch"] : ["none"]) {
      for (const rows of [1, most]) {
        const milliseconds = [];
        const held = [];
        for (let run = -3; run < runs; run++) {
          const groups = Array.from({ length: rows }, (_, row) => ({
            rows: [(logits === "flat" ? 0 : most) + row],
            steps: [steps],
            pick,
            count: 1,
            ...(logprobs && { logprobs }),
            ...streams[stream]?.(row, run + 3, rows),
          }));
          await new Promise((done) => setImmediate(done));
          const before = performance.eventLoopUtilization();
          const start = performance.now();
          await session.sample(step, groups);
          const took = performance.now() - start;
          const { active } = performance.eventLoopUtilization(before);
          if (run >= 0) milliseconds.push(took);
          if (run >= 0) held.push(active);
        }
        const result = { logits, name, stream, rows, milliseconds: quantile(milliseconds, 0.5), held: quantile(held, 0.5) };
        results.push({ ...result, least: quantile(milliseconds, 0), most: quantile(milliseconds, 0.9) });
        const said = [logits, name, stream, `${rows} rows`].join(", ");
        console.error(`${said}: ${result.milliseconds.toFixed(3)} ms, event loop ${result.held.toFixed(3)} ms`);
      }
    }
  }
}
session.release(step);
await session.dispose();
if (values.out) {
  mkdirSync(dirname(values.out), { recursive: true });
  const machine = { processor: cpus()[0]?.model, cores: availableParallelism(), node: process.version };
  writeFileSync(
    values.out,
    `${JSON.stringify({ machine, vocabulary: width, threads: Number(values.threads), runs, results }, null, 2)}\n`,
  );
}
