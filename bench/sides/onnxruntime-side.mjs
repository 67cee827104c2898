/**
 * One process of onnxruntime-node; prints one JSON object. Called by bench/run.mjs with a folder made by make_onnx.py. `--format`: q4 or int8.
 * The greatest logit is looked for here, and the keys and values of a step are given to the next one as they are.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { runSide, sideArguments } from "../lib/side.mjs";

const options = sideArguments();
const root = resolve(options.modules ?? ".");
const ort = createRequire(join(root, "package.json"))("onnxruntime-node");
const { version } = JSON.parse(readFileSync(join(root, "node_modules/onnxruntime-node/package.json"), "utf8"));
const start = performance.now();
const session = await ort.InferenceSession.create(join(options.model, `${options.format}.onnx`), {
  intraOpNumThreads: options.threads,
  interOpNumThreads: 1,
});
const loadSeconds = (performance.now() - start) / 1000;
const past = session.inputMetadata.filter(({ name }) => name.startsWith("past."));
const vocabulary = session.outputMetadata.find(({ name }) => name === "logits").shape.at(-1);
await runSide(options, { vocabulary, loadSeconds, versions: { "onnxruntime-node": version }, generate });

async function generate(prompts, newTokens) {
  const batch = prompts.length;
  const shapeOf = ({ shape }) => [batch, shape[1], 0, shape[3]];
  let cache = Object.fromEntries(
    past.map((info) => [info.name, new ort.Tensor("float32", new Float32Array(0), shapeOf(info))]),
  );
  const begin = performance.now();
  let ids = prompts;
  let total = 0;
  for (let step = 0; step < newTokens; step++) {
    total += ids[0].length;
    const results = await session.run({
      ...cache,
      input_ids: new ort.Tensor("int64", BigInt64Array.from(ids.flat(), BigInt), [batch, ids[0].length]),
      seqlens_k: new ort.Tensor("int32", new Int32Array(batch).fill(total - 1), [batch]),
      total_sequence_length: new ort.Tensor("int32", Int32Array.of(total), []),
    });
    cache = Object.fromEntries(past.map(({ name }) => [name, results[name.replace("past", "present")]]));
    ids = Array.from({ length: batch }, (_, row) => [greatest(results.logits.data, row * vocabulary)]);
  }
  return (performance.now() - begin) / 1000;
}

function greatest(logits, first) {
  let best = first;
  for (let i = first + 1; i < first + vocabulary; i++) if (logits[i] > logits[best]) best = i;
  return best - first;
}
