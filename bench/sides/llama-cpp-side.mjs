/**
 * One process of llama.cpp through node-llama-cpp; prints one JSON object. Called by bench/run.mjs. `--modules`: the folder whose
 * node_modules holds node-llama-cpp. `--way public`: its documented interface, a sequence for each prompt, all at once. `--way
 * native`: its native context directly, with all sequences in one batch each step, which is llama.cpp at its best.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runSide, sideArguments } from "../lib/side.mjs";

const options = sideArguments();
const require = createRequire(join(resolve(options.modules ?? "."), "package.json"));
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  logLevel: "error",
  maxThreads: options.threads,
});
const start = performance.now();
const model = await llama.loadModel({ modelPath: options.model, useMmap: true });
const context = await model.createContext({ contextSize: 1024, sequences: 32, batchSize: 1024, threads: options.threads });
const loadSeconds = (performance.now() - start) / 1000;
const sequences = Array.from({ length: 32 }, () => context.getSequence());
const folder = join(resolve(options.modules ?? "."), "node_modules/node-llama-cpp/package.json");
const { version } = JSON.parse(readFileSync(folder, "utf8"));
await runSide(options, {
  vocabulary: model.fileInfo.metadata.tokenizer.ggml.tokens.length,
  loadSeconds,
  versions: { "node-llama-cpp": version, system: llama.systemInfo },
  generate: options.way === "native" ? generateInPhase : generatePublic,
});
await model.dispose();
process.exit(0);

async function generatePublic(prompts, newTokens) {
  await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
  const begin = performance.now();
  await Promise.all(
    prompts.map(async (prompt, index) => {
      let count = 0;
      const tokens = sequences[index].evaluate(prompt, { temperature: 0, yieldEogToken: true });
      for await (const _ of tokens) if (++count === newTokens) break;
      if (count !== newTokens) throw new Error(`got ${count} tokens`);
    }),
  );
  return (performance.now() - begin) / 1000;
}

async function generateInPhase(prompts, newTokens) {
  await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
  const native = context._ctx;
  const sampler = new llama._bindings.AddonSampler(model._model);
  sampler.applyConfig({ temperature: 0 });
  for (let index = 0; index < prompts.length; index++) native.disposeSequence(index);
  const begin = performance.now();
  let inputs = prompts;
  let place = 0;
  for (let step = 0; step < newTokens; step++) {
    native.initBatch(inputs.length * inputs[0].length);
    const rows = inputs.map((tokens, index) =>
      native.addToBatch(index, place, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1)),
    );
    await native.decodeBatch();
    place += inputs[0].length;
    const next = [];
    for (const row of rows) next.push([await native.sampleToken(row[0], sampler)]);
    inputs = next;
  }
  return (performance.now() - begin) / 1000;
}
