import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import type { Limits, WeightSource } from "../../src/backends/backend.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { buildModel, loadModel } from "../../src/models/index.ts";
import type { Model } from "../../src/ops/program.ts";
import { chunkedLogits } from "../helpers/run-model.ts";
import { scratchCopy } from "../helpers/scratch-copy.ts";
import { seeded } from "../helpers/seeded.ts";

/** An architecture that computes what Llama computes, under names of its own: what a contributor would write. */
const toy = `import { add, attention, embedding, gatedMlp, languageHead, linear, rmsNorm } from "../../layers/index.ts";
import { decoderFields } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/** Toy: a decoder whose queries, keys and values stand in one module. */
export const toy = defineArchitecture({
  modelType: "toy",
  fields: decoderFields,
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, intermediateSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary } = config;
    const headDim = Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = \`model.layers.\${layer}\`;
      const module = \`\${at}.mixer\`;

      const a = rmsNorm(program, x, { module: \`\${at}.norm_1\`, epsilon }); // [tokens, hidden]
      const [query, key, value] = ["q", "k", "v"].map((name) =>
        linear(program, a, { module: \`\${module}.\${name}\`, width: heads * headDim }),
      ); // [tokens, heads * headDim] each
      const mixed = attention(program, query!, key!, value!, { module, heads, keyValueHeads: heads, headDim, rope }); // [tokens, hidden]
      x = add(program, x, linear(program, mixed, { module: \`\${module}.out\`, width: hiddenSize }), at);

      const m = rmsNorm(program, x, { module: \`\${at}.norm_2\`, epsilon }); // [tokens, hidden]
      x = add(program, x, gatedMlp(program, m, { module: \`\${at}.mlp\`, width: intermediateSize, kind: "silu" }), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
`;

const config = {
  vocab_size: 48,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 64,
};

/** What the toy calls the modules of Llama. */
const renamed = (name: string) =>
  name
    .replace(/self_attn\.(.)_proj/, (_, letter) => `mixer.${letter === "o" ? "out" : letter}`)
    .replace("input_layernorm", "norm_1")
    .replace("post_attention_layernorm", "norm_2");

/** A checkpoint of random weights. */
function randomCheckpoint(model: Model, nameOf: (name: string) => string): WeightSource {
  const random = seeded(17);
  const tensors = new Map(
    model.weights.map(({ name, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const values = Float32Array.from({ length: count }, () => random.next() - 0.5);
      return [nameOf(name), { shape, bytes: new Uint8Array(values.buffer) }] as const;
    }),
  );
  return {
    tensors: () =>
      [...tensors].map(([name, { shape, bytes }]) => ({ name, shape, dtype: "float32" as const, bytes: bytes.length })),
    locate: (name) => tensors.get(name)!.bytes,
    read: async (name) => tensors.get(name)!.bytes,
  };
}

async function logits(model: Model, source: WeightSource): Promise<Float32Array[]> {
  const backend = createReferenceBackend();
  const limits: Limits = {
    maxTokens: 16,
    maxSequences: 1,
    maxLogitRows: 16,
    blocks: Object.fromEntries(model.states.map(({ name }) => [name, Math.ceil(16 / backend.blockTokens) + 1])),
    weights: "float32",
    activation: "float32",
    cache: "float32",
    taps: [],
  };
  const session = await backend.prepare(model, source, limits, { threads: 1 });
  const rows = await chunkedLogits({ model, session, dispose: () => session.dispose() }, [1, 7, 40, 3, 22], [3, 2]);
  await session.dispose();
  return rows;
}

it("an architecture costs one file and one line: it loads, and gives the logits of its twin", {
  timeout: 120_000,
}, async () => {
  const copy = scratchCopy("add-architecture");
  copy.write("src/models/arch/toy.ts", toy);
  copy.append("src/models/arch/index.ts", 'export { toy } from "./toy.ts";\n');
  expect(copy.changes()).toEqual({
    "src/models/arch/index.ts": 1,
    "src/models/arch/toy.ts": toy.split("\n").length,
  });

  const llama = { ...config, model_type: "llama" };
  const twin = randomCheckpoint(buildModel(llama), (name) => name);
  const expected = await logits(await loadModel(llama, twin), twin);

  const url = pathToFileURL(join(copy.folder, "src/models/index.ts")).href;
  const models: typeof import("../../src/models/index.ts") = await import(/* @vite-ignore */ url);
  expect(models.supportedModelTypes).toContain("toy");
  const own = randomCheckpoint(buildModel(llama), renamed);
  const model = await models.loadModel({ ...config, model_type: "toy" }, own);
  expect(await logits(model, own)).toEqual(expected);

  // the types hold, too
  const settings = { extends: "../../../tsconfig.json", include: ["src/models"] };
  writeFileSync(join(copy.folder, "tsconfig.json"), JSON.stringify(settings));
  const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  execFileSync(process.execPath, [compiler, "--noEmit", "-p", copy.folder], { encoding: "utf8" });
});
