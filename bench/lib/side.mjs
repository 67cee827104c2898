/** What every side in JavaScript does: load, warm up, measure each workload between two reads of the bandwidth, print JSON. */
import { parseArgs } from "node:util";
import { Probe } from "./probe.mjs";
import { measureWorkload, workloads } from "./workloads.mjs";

/** The arguments that bench/run.mjs gives a side. */
export function sideArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      format: { type: "string", default: "bfloat16" },
      threads: { type: "string", default: "2" },
      probe: { type: "string" },
      workloads: { type: "string", default: workloads.map(({ name }) => name).join() },
      modules: { type: "string" },
      way: { type: "string" },
      round: { type: "string", default: "0" },
    },
  });
  return { ...values, model: positionals[0], threads: Number(values.threads), round: Number(values.round) };
}

/**
 * @param {ReturnType<typeof sideArguments>} options
 * @param {{ vocabulary: number, loadSeconds: number, versions: object, memory?: () => unknown, generate: (prompts: number[][], newTokens: number) => Promise<number> }} side
 */
export async function runSide({ probe: program, threads, workloads: wanted, round }, side) {
  const probe = program === undefined ? undefined : new Probe(program, threads);
  const { generate, vocabulary, loadSeconds, versions } = side;
  await generate([Array.from({ length: 32 }, (_, i) => 300 + i)], 4);
  const results = {};
  for (const workload of workloads.filter(({ name }) => wanted.split(",").includes(name))) {
    const before = await probe?.bandwidth();
    const tokensPerSecond = await measureWorkload(workload, vocabulary, round, generate);
    results[workload.name] = { tokensPerSecond, bandwidth: probe && [before, await probe.bandwidth()] };
  }
  probe?.close();
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ versions, loadSeconds, results, peakMemoryBytes, memory: side.memory?.() }));
}
