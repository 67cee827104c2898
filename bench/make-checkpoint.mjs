/**
 * Writes a checkpoint with random weights in Hugging Face format: real shapes for measurements, nothing learned.
 *
 *   node bench/make-checkpoint.mjs FOLDER [--shape llama-1b|llama-7b|llama-15m|tiny] [--seed 1]
 *
 * llama-1b is the Llama-3.2-1B shape with a vocabulary of 32,000, tied: 1.04 G parameters, 2.1 GB in bfloat16. llama-7b is that of
 * Llama 2 (13.5 GB), llama-15m that of the small models that llama2.c made known. The tokenizer has made-up pieces.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const shapes = {
  "llama-1b": { hidden: 2048, layers: 16, heads: 32, keyValueHeads: 8, headDim: 64, feedForward: 8192, vocabulary: 32000 },
  "llama-7b": {
    hidden: 4096,
    layers: 32,
    heads: 32,
    keyValueHeads: 32,
    headDim: 128,
    feedForward: 11008,
    vocabulary: 32000,
    untied: true,
  },
  "llama-15m": { hidden: 288, layers: 6, heads: 6, keyValueHeads: 6, headDim: 48, feedForward: 768, vocabulary: 32000 },
  tiny: { hidden: 256, layers: 4, heads: 8, keyValueHeads: 4, headDim: 32, feedForward: 512, vocabulary: 1000 },
};

/** Creates the checkpoint unless it is already there; returns its folder. */
export function makeCheckpoint(folder, shapeName = "llama-1b", seed = 1) {
  const shape = shapes[shapeName];
  if (!shape) throw new Error(`--shape must be one of ${Object.keys(shapes).join(", ")}. Given: ${shapeName}`);
  if (existsSync(join(folder, "model.safetensors"))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify(configOf(shape), null, 2));
  writeFileSync(join(folder, "generation_config.json"), JSON.stringify({ pad_token_id: 0 }));
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizerOf(shape)));
  writeFileSync(
    join(folder, "tokenizer_config.json"),
    JSON.stringify({ tokenizer_class: "LlamaTokenizerFast", bos_token: "<s>", eos_token: "</s>" }),
  );
  writeWeights(join(folder, "model.safetensors"), tensorsOf(shape), seed);
  return folder;
}

/** Values in matrices that each token meets in a shape: of the layers, and of the head. */
export function parametersRead(shapeName) {
  const shape = shapes[shapeName];
  const count = (list) => list.reduce((sum, [, size]) => sum + (size.length === 2 ? size[0] * size[1] : 0), 0);
  const head = shape.vocabulary * shape.hidden;
  return { matrices: count(tensorsOf(shape).filter(([name]) => name.includes(".layers."))), head };
}

/** Bytes and pieces that are never merged: ids are what measurements give, but GGUF files have to have a vocabulary. */
function tokenizerOf({ vocabulary }) {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const names = ["<unk>", "<s>", "</s>", ...bytes];
  while (names.length < vocabulary) names.push(`▁piece${names.length}`);
  const special = (id) => ({
    id,
    content: names[id],
    special: true,
    normalized: false,
    single_word: false,
    lstrip: false,
    rstrip: false,
  });
  return {
    version: "1.0",
    added_tokens: [special(0), special(1), special(2)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    decoder: null,
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(names.map((name, id) => [name, id])),
      merges: [],
    },
  };
}

function configOf(s) {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    dtype: "bfloat16",
    hidden_size: s.hidden,
    intermediate_size: s.feedForward,
    num_hidden_layers: s.layers,
    num_attention_heads: s.heads,
    num_key_value_heads: s.keyValueHeads,
    head_dim: s.headDim,
    vocab_size: s.vocabulary,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
    hidden_act: "silu",
    tie_word_embeddings: !s.untied,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: 1,
    eos_token_id: null,
    pad_token_id: 0,
  };
}

/**
 * name, shape and the spread of the weights: small enough that activations stay tame through the layers.
 *
 * @returns {[string, number[], number][]}
 */
function tensorsOf(s) {
  /** @type {[string, number[], number][]} */
  const list = [["model.embed_tokens.weight", [s.vocabulary, s.hidden], 0.02]];
  for (let layer = 0; layer < s.layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    const matrix = (name, out, input) => list.push([`${prefix}${name}.weight`, [out, input], 1 / Math.sqrt(input)]);
    list.push([`${prefix}input_layernorm.weight`, [s.hidden], 0], [`${prefix}post_attention_layernorm.weight`, [s.hidden], 0]);
    matrix("self_attn.q_proj", s.heads * s.headDim, s.hidden);
    matrix("self_attn.k_proj", s.keyValueHeads * s.headDim, s.hidden);
    matrix("self_attn.v_proj", s.keyValueHeads * s.headDim, s.hidden);
    matrix("self_attn.o_proj", s.hidden, s.heads * s.headDim);
    matrix("mlp.gate_proj", s.feedForward, s.hidden);
    matrix("mlp.up_proj", s.feedForward, s.hidden);
    matrix("mlp.down_proj", s.hidden, s.feedForward);
  }
  list.push(["model.norm.weight", [s.hidden], 0]);
  if (s.untied) list.push(["lm_head.weight", [s.vocabulary, s.hidden], 0.02]);
  return list;
}

function writeWeights(path, tensors, seed) {
  let offset = 0;
  const header = { __metadata__: { format: "pt" } };
  for (const [name, shape] of tensors) {
    const bytes = shape.reduce((a, b) => a * b, 2);
    header[name] = { dtype: "BF16", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(`${path}.incomplete`, "w");
  writeSync(file, Buffer.concat([length, padded]));
  const random = xorshift(seed);
  for (const [, shape, spread] of tensors) writeTensor(file, shape, spread, random);
  closeSync(file);
  renameSync(`${path}.incomplete`, path);
}

/** Uniform values of the given standard deviation (norm weights, of spread 0, are ones), as bfloat16. */
function writeTensor(file, shape, spread, random) {
  let left = shape.reduce((a, b) => a * b, 1);
  const chunk = new Uint16Array(1 << 20);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  while (left > 0) {
    const count = Math.min(left, chunk.length);
    for (let i = 0; i < count; i++) {
      value[0] = spread === 0 ? 1 : (random() - 0.5) * 2 * Math.sqrt(3) * spread;
      chunk[i] = bits[0] >>> 16;
    }
    writeSync(file, new Uint8Array(chunk.buffer, 0, count * 2));
    left -= count;
  }
}

/** xorshift32 as a function that gives numbers in [0, 1). */
function xorshift(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...rest] = process.argv.slice(2);
  const option = (name, fallback) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : fallback);
  if (!folder) {
    console.error("usage: node bench/make-checkpoint.mjs FOLDER [--shape llama-1b|llama-7b|llama-15m|tiny] [--seed 1]");
    process.exit(2);
  }
  console.log(makeCheckpoint(folder, option("--shape", "llama-1b"), Number(option("--seed", "1"))));
}
