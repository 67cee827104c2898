import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeGgml, type GgufWriteTensor, type GgufWriteValue, writeGguf } from "../../src/formats/gguf/write.ts";
import { planGguf } from "../../src/formats/gguf/write-model.ts";
import { openCheckpoint } from "../../src/formats/index.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { toFloat32 } from "../../src/tensor/convert.ts";

// each model becomes a GGUF file in llama.cpp's names, order of rows and layouts, and answers as the model of transformers
const planned = [
  ...["llama", "llama3_rope", "llama_linear_rope", "llama_yarn", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe"],
  ...["gemma", "gemma2", "gemma3_text", "phi3", "gpt2"],
];

const directory = mkdtempSync(join(tmpdir(), "tsumugi-gguf-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Fixture {
  config: Record<string, unknown>;
  golden: { forward: { input_ids: number[]; logits: number[][] } };
  tensors: Map<string, { shape: readonly number[]; values: Float32Array }>;
}

async function fixture(name: string): Promise<Fixture> {
  const folder = new URL(`../fixtures/models/${name}/`, import.meta.url).pathname;
  const json = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const checkpoint = await openCheckpoint(folder);
  const tensors: Fixture["tensors"] = new Map();
  for (const { name: tensor, shape, dtype } of checkpoint.tensors()) {
    tensors.set(tensor, { shape, values: toFloat32(await checkpoint.read(tensor), dtype) });
  }
  await checkpoint.close();
  return { config: json("config.json"), golden: json("golden.json"), tensors };
}

type Tensor = Omit<GgufWriteTensor, "type"> & { values: Float32Array };

async function answers(name: string, { golden }: Fixture, metadata: Record<string, GgufWriteValue>, tensors: Tensor[]) {
  const file = join(directory, `${name}.gguf`);
  const data = tensors.map(({ values, ...tensor }) => ({ ...tensor, type: "F32" as const, data: encodeGgml(values, "F32") }));
  writeFileSync(file, writeGguf(metadata, data));
  const model = await AutoModelForCausalLM.fromPretrained(file, { maxBatchSize: 1 });
  try {
    const { input_ids: ids, logits: wanted } = golden.forward;
    const options = { maxNewTokens: 1, doSample: false, outputLogits: true, returnDictInGenerate: true } as const;
    const attentionMask = [ids.map(() => 1)];
    const { logits } = await model.generate({ inputIds: [ids], attentionMask, ...options });
    const last = wanted.at(-1)!;
    const scale = Math.max(...last.map(Math.abs));
    expect(Math.max(...last.map((value, i) => Math.abs(value - logits![0]![0]![i]!)))).toBeLessThan(1e-4 * scale);
  } finally {
    await model.dispose();
  }
}

describe("models as GGUF files", () => {
  it.each(planned)("%s", async (name) => {
    const source = await fixture(name);
    const shapes = [...source.tensors].map(([tensor, { shape }]) => ({ name: tensor, shape }));
    const { metadata, tensors } = planGguf(source.config, shapes);
    const made = tensors.map(({ parts, values, ...tensor }) => {
      const all = values ? [values] : parts.map((part) => part.make(source.tensors.get(part.tensor)!.values));
      return { ...tensor, values: Float32Array.from(all.flatMap((part) => [...part])) };
    });
    await answers(name, source, metadata as Record<string, GgufWriteValue>, made);
  });

  it("refuses to write what files of llama.cpp have no place for", () => {
    expect(() => planGguf({ model_type: "mamba" }, [])).toThrow(/model_type is not supported/);
    const config = { model_type: "llama", hidden_size: 8, num_attention_heads: 2 };
    expect(() => planGguf(config, [{ name: "model.other.weight", shape: [1] }])).toThrow(/model.other.weight/);
  });
});
