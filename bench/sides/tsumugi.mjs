/** One measurement of tsumugi; prints one JSON object. Called by bench/generation.mjs. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AutoModelForCausalLM } from "../../dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    dtype: { type: "string", default: "bfloat16" },
    prompt: { type: "string", default: "512" },
    new: { type: "string", default: "64" },
    runs: { type: "string", default: "3" },
  },
});
const prompt = Number(values.prompt);
const newTokens = Number(values.new);
const runs = Number(values.runs);

const start = performance.now();
const model = await AutoModelForCausalLM.fromPretrained(positionals[0], {
  dtype: /** @type {"float32" | "bfloat16" | "float16"} */ (values.dtype),
  device: "cpu",
  threads: Number(values.threads),
  localFilesOnly: true,
});
const loadSeconds = (performance.now() - start) / 1000;
const vocabulary = JSON.parse(readFileSync(`${positionals[0]}/config.json`, "utf8")).vocab_size;

async function generate(count, maxNewTokens) {
  const inputIds = [Array.from({ length: count }, (_, i) => 3 + (((i * 7919) % 20000) % (vocabulary - 3)))];
  const begin = performance.now();
  const { sequences } = await model.generate({ inputIds, maxNewTokens, minNewTokens: maxNewTokens, doSample: false });
  const seconds = (performance.now() - begin) / 1000;
  if (sequences[0].length !== count + maxNewTokens) throw new Error(`got ${sequences[0].length} tokens`);
  return seconds;
}

await generate(32, 4);
const prefillTokensPerSecond = [];
const decodeTokensPerSecond = [];
for (let run = 0; run < runs; run++) prefillTokensPerSecond.push(prompt / (await generate(prompt, 1)));
for (let run = 0; run < runs; run++) {
  const one = await generate(16, 1);
  decodeTokensPerSecond.push(newTokens / ((await generate(16, 1 + newTokens)) - one));
}
const memory = model.memory();
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
console.log(
  JSON.stringify({
    side: "tsumugi",
    versions: { tsumugi: version, node: process.version },
    loadSeconds,
    prefillTokensPerSecond,
    decodeTokensPerSecond,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    plannedMemoryBytes: memory,
  }),
);
await model.dispose();
