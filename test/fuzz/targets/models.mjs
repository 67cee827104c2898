/** Files of checkpoints: config.json, generation_config.json, weights, an index of shards, an adapter. */
import { mutateBytes } from "../mutate-bytes.mjs";
import { jsonText, mutateJson } from "../mutate-json.mjs";
import { mutateFile, readFolders, writeFolder } from "./folders.mjs";

const folders = [
  ...readFolders("models", 300_000),
  ...readFolders("encoder-decoder", 300_000),
  ...readFolders("multimodal", 300_000),
].filter(({ files }) => files["model.safetensors"] && files["config.json"]);

const generation = {
  ...{ do_sample: false, temperature: 0.7, top_k: 5, top_p: 0.9, max_length: 12, eos_token_id: [1, 2], pad_token_id: 0 },
  ...{ repetition_penalty: 1.1, num_beams: 1, num_return_sequences: 1, suppress_tokens: [3], forced_eos_token_id: 1 },
};

/** @type {import("./index.mjs").Target} */
export const models = {
  async run({ random, directory, tsumugi }) {
    const base = random.pick(folders);
    const files = { "generation_config.json": Buffer.from(JSON.stringify(generation)), ...base.files };
    if (!random.chance(0.5)) delete files["generation_config.json"];
    if (random.chance(0.2)) shard(files);
    const kind = random.below(10);
    const name = random.pick(Object.keys(files));
    if (kind < 5) files["config.json"] = mutateFile("config.json", files["config.json"], random);
    else if (kind < 6 && files["model.safetensors"])
      files["model.safetensors"] = mutateHeader(files["model.safetensors"], random);
    else
      files[name] =
        name.endsWith(".safetensors") && random.chance(0.5)
          ? damageStart(files[name], random)
          : mutateFile(name, files[name], random);
    writeFolder(directory, files);
    const model = await load(tsumugi, directory, random);
    try {
      await model.generate({
        inputIds: [
          [1, 5, 3],
          [4, 4, 2],
        ],
        maxNewTokens: 2,
      });
      await model.generate({ inputIds: [[1, 5, 3]], maxNewTokens: 3, doSample: random.chance(0.5), seed: 1 });
    } finally {
      await model.dispose();
    }
  },
};

async function load(tsumugi, directory, random) {
  const options = { dtype: random.pick(["float32", "float32", "auto", "bfloat16"]), contextTokens: 48, maxBatchSize: 2 };
  const device = random.chance(0.5) ? { device: "cpu", threads: 1 } : { device: "reference" };
  try {
    return await tsumugi.AutoModelForCausalLM.fromPretrained(directory, { ...options, ...device });
  } catch (error) {
    if (error?.code !== "model_class") throw error;
    return tsumugi.AutoModelForSeq2SeqLM.fromPretrained(directory, { ...options, ...device });
  }
}

function readHeader(bytes) {
  const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
  return {
    header: JSON.parse(
      Buffer.from(bytes)
        .subarray(8, 8 + length)
        .toString(),
    ),
    data: bytes.subarray(8 + length),
  };
}

function writeTensors(text, data) {
  const header = Buffer.from(text);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([start, header, data]);
}

function mutateHeader(bytes, random) {
  const { header, data } = readHeader(bytes);
  return writeTensors(jsonText(mutateJson(header, random)), data);
}

/** Damage to the first bytes, where the header stands, or to the last, so that a tensor is not whole. */
function damageStart(bytes, random) {
  const cut = random.pick([8, 200, 2000]);
  const rest = bytes.subarray(cut);
  return Buffer.concat([
    mutateBytes(bytes.subarray(0, cut), random),
    random.chance(0.5) ? rest : rest.subarray(0, random.below(rest.length + 1)),
  ]);
}

/** The weights as two files with an index. */
function shard(files) {
  const { header, data } = readHeader(files["model.safetensors"]);
  const { __metadata__: metadata, ...tensors } = header;
  const names = Object.keys(tensors);
  const weightMap = {};
  for (const part of [0, 1]) {
    const file = `model-0000${part + 1}-of-00002.safetensors`;
    const entries = {};
    const pieces = [];
    let offset = 0;
    for (const name of names.filter((_, index) => index % 2 === part)) {
      const {
        dtype,
        shape,
        data_offsets: [from, to],
      } = tensors[name];
      pieces.push(data.subarray(from, to));
      entries[name] = { dtype, shape, data_offsets: [offset, offset + to - from] };
      offset += to - from;
      weightMap[name] = file;
    }
    files[file] = writeTensors(
      JSON.stringify({ ...entries, ...(metadata && { __metadata__: metadata }) }),
      Buffer.concat(pieces),
    );
  }
  delete files["model.safetensors"];
  files["model.safetensors.index.json"] = Buffer.from(
    JSON.stringify({ metadata: { total_size: data.length }, weight_map: weightMap }),
  );
}
