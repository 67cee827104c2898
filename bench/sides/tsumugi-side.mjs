/** One process of tsumugi; prints one JSON object. Called by bench/run.mjs. `--format`: a dtype, a way of quantising, or a GGUF file's. */
import { readFileSync } from "node:fs";
import * as built from "../../dist/index.js";
import { runSide, sideArguments } from "../lib/side.mjs";

/** @type {any} What this build does not have, it does not measure. */
const tsumugi = built;
const options = sideArguments();
const start = performance.now();
const model = await tsumugi.AutoModelForCausalLM.fromPretrained(options.model, {
  ...formatOptions(options.format),
  device: "cpu",
  threads: options.threads,
  maxBatchSize: 32,
  localFilesOnly: true,
});
const loadSeconds = (performance.now() - start) / 1000;
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
await runSide(options, {
  vocabulary: Number(model.config.vocab_size),
  loadSeconds,
  versions: { tsumugi: version, node: process.version },
  memory: () => model.memory(),
  async generate(prompts, maxNewTokens) {
    const begin = performance.now();
    const { sequences } = await model.generate({
      inputIds: prompts,
      maxNewTokens,
      minNewTokens: maxNewTokens,
      doSample: false,
    });
    const seconds = (performance.now() - begin) / 1000;
    const wrong = sequences.find(({ length }) => length !== prompts[0].length + maxNewTokens);
    if (wrong) throw new Error(`got ${wrong.length} tokens`);
    return seconds;
  },
});
await model.dispose();

/** @returns {any} of a format that this build may not have: it refuses what it does not know */
function formatOptions(format) {
  const [name, option] = format.split("+");
  const rest = option === undefined ? {} : { activations: option };
  if (name === "nf4" || name === "fp4") {
    const quantizationConfig = new tsumugi.BitsAndBytesConfig({
      loadIn4bit: true,
      bnb4bitQuantType: name,
      bnb4bitComputeDtype: "bfloat16",
    });
    return { quantizationConfig, dtype: "bfloat16", ...rest };
  }
  if (name.startsWith("gguf")) return { dtype: "bfloat16", ...rest };
  return { dtype: name, ...rest };
}
