/**
 * What formats cost in quality: perplexity, and the Kullback-Leibler divergence of next-token distributions from float32's, on
 * texts that the float32 model itself writes (its own distribution, drawn with a seed) or on a file.
 *
 *   node bench/quality.mjs [--model tsumugi-mini] [--formats bfloat16,int8,int4,…] [--text file] [--tokens 6000] [--write]
 *
 * A format is a name of `formats` below, or options of `fromPretrained` as JSON; a GGUF or quantised checkpoint of the same
 * model is `model=<id or folder>`. `--write` puts bench/results/quality-<model>.json beside the other results.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { createBackend } from "../dist/backends/devices.js";
import { openModel } from "../dist/generate/open-model.js";
import { planSession } from "../dist/generate/plan-session.js";
import { AutoModelForCausalLM, AutoTokenizer } from "../dist/index.js";
import { headWeights, loadModel } from "../dist/models/index.js";
import { decodeCodes } from "../dist/tensor/code-layout.js";
import { roundTo, toFloat32 } from "../dist/tensor/convert.js";
import { quantiserNamed } from "../dist/tensor/quantisers/index.js";
import { describeMachine } from "./lib/describe-machine.mjs";

const bits4 = (type, double = false) => ({
  quantizationConfig: { loadIn4bit: true, bnb4bitQuantType: type, bnb4bitUseDoubleQuant: double },
});
const own = (dtype, activations) => ({ dtype, activations });

/** Options of loading by name. `q4_0` and `q8_0` are llama.cpp's rounding of the weights, in float32 arithmetic, the head in 8 bits. */
const formats = {
  float32: { dtype: "float32" },
  bfloat16: { dtype: "bfloat16" },
  int8: own("int8"),
  "int8-float": own("int8", "float"),
  int4: own("int4"),
  "int4-float": own("int4", "float"),
  nf4: bits4("nf4"),
  "nf4-double": bits4("nf4", true),
  fp4: bits4("fp4"),
  bnb8: { loadIn8bit: true },
  q4_0: { dtype: "float32", rounded: "q4_0" },
  "int4-64": { dtype: "float32", rounded: "int4-64" },
  "int4-symmetric": { dtype: "float32", rounded: "int4-symmetric" },
};

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "tsumugi-mini" },
    formats: { type: "string", default: Object.keys(formats).slice(1).join(",") },
    text: { type: "string" },
    tokens: { type: "string", default: "6000" },
    write: { type: "boolean", default: false },
  },
});

/** Q4_0: of 32 values the one that is furthest from 0 becomes -8; the scale is kept as float16. */
function roundQ4(row) {
  for (let at = 0; at < row.length; at += 32) {
    const part = row.subarray(at, at + 32);
    const most = part.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    const scale = most / -8;
    const inverse = scale ? 1 / scale : 0;
    const [kept = 0] = roundTo(Float32Array.of(scale), "float16");
    part.forEach((value, i) => {
      part[i] = (Math.min(15, Math.floor(value * inverse + 8.5)) - 8) * kept;
    });
  }
}

function roundBy(name, parameters) {
  const quantiser = quantiserNamed(name);
  return (matrix, columns) => {
    const layout = quantiser?.layout(parameters, columns);
    return quantiser && layout ? decodeCodes(layout, quantiser.quantise(matrix, columns, parameters)) : matrix;
  };
}

const roundings = {
  q4_0: (matrix, columns) => {
    for (let at = 0; at < matrix.length; at += columns) roundQ4(matrix.subarray(at, at + columns));
    return matrix;
  },
  "int4-64": roundBy("int4", { table: "iq4nl", group: 64 }),
  "int4-symmetric": roundBy("int4", { table: "int4", group: 32 }),
};

/** A source whose matrices are rounded, those of the head to 8 bits. */
async function roundedSource(model, checkpoint, name) {
  const heads = new Set([...headWeights(model)].flatMap((index) => model.weights[index].from.map(({ tensor }) => tensor)));
  const taken = new Set(
    model.weights.filter(({ uses }) => uses.includes("matmul")).flatMap(({ from }) => from.map(({ tensor }) => tensor)),
  );
  const made = new Map();
  const infos = checkpoint.tensors();
  const read = async (info) => {
    const matrix = toFloat32(await checkpoint.read(info.name), info.dtype);
    const round = heads.has(info.name) ? roundBy("int8", {}) : roundings[name];
    const values = taken.has(info.name) ? round(matrix, info.shape.at(-1)) : matrix;
    made.set(info.name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  };
  for (const info of infos) await read(info);
  return {
    tensors: () => infos.map((info) => ({ ...info, dtype: "float32", bytes: made.get(info.name).byteLength })),
    locate: (tensor) => made.get(tensor),
    read: async (tensor) => made.get(tensor),
  };
}

const backend = await createBackend("auto");

async function openFormat(options) {
  const { model: other, rounded, ...loading } = options;
  const parts = await openModel(other ?? values.model, {});
  try {
    return await prepareFormat(parts, loading, rounded);
  } catch (error) {
    await parts.checkpoint.close();
    throw error;
  }
}

/** `logits` gives those of each token of a sequence, one array each. */
async function prepareFormat(parts, loading, rounded) {
  const model = await loadModel(parts.config, parts.checkpoint, parts.adapter);
  const planned = planSession({ ...parts, model, backend }, { ...loading, maxBatchSize: 1, contextTokens: 512 });
  const source = rounded ? await roundedSource(model, parts.checkpoint, rounded) : parts.checkpoint;
  const limits = { ...planned.limits, maxLogitRows: 512 };
  const session = await backend.prepare(planned.model, source, limits, {});
  return {
    bytes: session.memory().weights,
    async dispose() {
      await session.dispose();
      await parts.checkpoint.close();
    },
    async logits(ids) {
      const blocks = Math.ceil(ids.length / backend.blockTokens);
      const state = {
        tableStart: Int32Array.of(0, blocks),
        table: Int32Array.from({ length: blocks }, (_, block) => block),
        length: Int32Array.of(ids.length),
      };
      const rows = Int32Array.from(ids, (_, at) => at);
      const step = session.run({
        tokenIds: Int32Array.from(ids),
        positions: rows,
        sequenceStart: Int32Array.of(0, ids.length),
        promptLength: Int32Array.of(ids.length),
        logitRows: rows,
        states: model.states.map(() => state),
        copies: [],
      });
      const read = await session.read(step, "logits", [...rows]);
      session.release(step);
      return read;
    },
  };
}

/** Sequences of token ids: pieces of the file, or what the model writes. */
async function makeTexts(count) {
  const tokenizer = await AutoTokenizer.fromPretrained(values.model);
  if (values.text) {
    const ids = tokenizer.encode(readFileSync(values.text, "utf8")).slice(0, count);
    return Array.from({ length: Math.ceil(ids.length / 256) }, (_, at) => ids.slice(at * 256, at * 256 + 256));
  }
  const starts = ["Once upon a time", "Tell me a story about a dragon.", "むかしむかし", "My name is", "A list of", "Count:"];
  const model = await AutoModelForCausalLM.fromPretrained(values.model, { dtype: "float32" });
  const texts = [];
  for (let seed = 0, total = 0; total < count; seed++) {
    const inputIds = tokenizer.encode(starts[seed % starts.length]);
    const { sequences } = await model.generate({
      inputIds,
      doSample: true,
      topK: 0,
      topP: 1,
      temperature: 1,
      seed,
      maxNewTokens: 250,
    });
    texts.push([...sequences[0]]);
    total += sequences[0].length;
  }
  await model.dispose();
  return texts;
}

function logProbabilities(logits) {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of logits) if (value > most) most = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  const shift = most + Math.log(sum);
  return Float64Array.from(logits, (value) => value - shift);
}

const texts = await makeTexts(Number(values.tokens));
const reference = await openFormat({ dtype: "float32" });
const names = ["float32", ...values.formats.split(",").filter((name) => name !== "float32")];
const rows = [];
for (const name of names) {
  const options = name.startsWith("{")
    ? JSON.parse(name)
    : name.startsWith("model=")
      ? { model: name.slice(6) }
      : formats[name];
  if (!options) throw new Error(`${name}: no format that this script knows`);
  let format;
  try {
    format = await openFormat(options);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    continue;
  }
  let [loss, divergence, same, tokens, worst] = [0, 0, 0, 0, 0];
  for (const ids of texts) {
    const [expected, given] = [await reference.logits(ids), await format.logits(ids)];
    const width = expected.length / ids.length;
    for (let at = 0; at + 1 < ids.length; at++) {
      const p = logProbabilities(expected.subarray(at * width, (at + 1) * width));
      const q = logProbabilities(given.subarray(at * width, (at + 1) * width));
      let sum = 0;
      let [bestP, bestQ] = [0, 0];
      for (let token = 0; token < width; token++) {
        sum += Math.exp(p[token]) * (p[token] - q[token]);
        if (p[token] > p[bestP]) bestP = token;
        if (q[token] > q[bestQ]) bestQ = token;
      }
      loss -= q[ids[at + 1]];
      divergence += sum;
      worst = Math.max(worst, sum);
      same += bestP === bestQ ? 1 : 0;
      tokens++;
    }
  }
  const row = {
    format: name,
    weightBytes: options.rounded ? undefined : format.bytes,
    perplexity: Math.exp(loss / tokens),
    divergence: divergence / tokens,
    worstDivergence: worst,
    sameBest: same / tokens,
    tokens,
  };
  await format.dispose();
  rows.push(row);
  const megabytes = row.weightBytes === undefined ? "-" : (row.weightBytes / 1e6).toFixed(2);
  console.log(
    `| ${name} | ${megabytes} | ${row.perplexity.toFixed(4)} | ${row.divergence.toExponential(2)} | ${row.worstDivergence.toFixed(3)} | ${(100 * row.sameBest).toFixed(2)} % |`,
  );
}
await reference.dispose();
if (values.write) {
  const path = join(import.meta.dirname, "results", `quality-${basename(values.model)}.json`);
  const from = values.text ? basename(values.text) : "drawn from the float32 model";
  writeFileSync(
    path,
    `${JSON.stringify({ machine: describeMachine(), model: basename(values.model), text: from, rows }, null, 2)}\n`,
  );
  console.log(`written to ${path}`);
}
