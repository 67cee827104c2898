import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { loadModel } from "../../src/models/index.ts";

/** tools/golden/multimodal.py */
interface Golden {
  /** Logits behind so many tokens. */
  forward: { input_ids: number[]; logits: { [length: string]: number[] } };
  greedy: { input_ids: number[]; new_ids: number[] }[];
  batch: { input_ids: number[][]; attention_mask: number[][]; new_ids: number[][] };
}

const fixtures = process.env.MM ?? join(import.meta.dirname, "../fixtures/multimodal");
const names = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.each(names)("%s: only tensors of the text part are read", async (name) => {
  const checkpoint = await openCheckpoint(join(fixtures, name));
  const model = await loadModel(JSON.parse(readFileSync(join(fixtures, name, "config.json"), "utf8")), checkpoint);
  const read = new Set<string>();
  const source = {
    tensors: () => checkpoint.tensors(),
    locate: (tensor: string) => checkpoint.locate(tensor),
    read(tensor: string) {
      read.add(tensor);
      return checkpoint.read(tensor);
    },
  };
  const backend = createReferenceBackend();
  const limits = engineLimits(model, { blockTokens: backend.blockTokens, weights: "float32", contextTokens: 16 });
  const session = await backend.prepare(model, source, limits);
  await session.dispose();
  await checkpoint.close();
  const isOther = (tensor: string) => /vision|visual|audio|projector|multi_modal|connector|aligner/.test(tensor);
  const others = checkpoint.tensors().filter((tensor) => isOther(tensor.name));
  expect(others.length).toBeGreaterThan(0);
  expect([...read].filter(isOther)).toEqual([]);
  expect(read.size).toBeGreaterThan(5);
});

for (const device of ["reference", "cpu"] as const) {
  describe.each(names)(`the text part of %s on ${device}`, (name) => {
    const golden = JSON.parse(readFileSync(join(fixtures, name, "golden.json"), "utf8")) as Golden;
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const newIds = async (inputIds: number[][], attentionMask?: number[][]) => {
      const { sequences } = await model.generate({ inputIds, attentionMask, maxNewTokens: 24, doSample: false });
      return sequences.map((row) => row.slice(inputIds[0]!.length));
    };

    test("greedy answers of one text, and of a left-padded batch", async () => {
      for (const { input_ids, new_ids } of golden.greedy) expect(await newIds([input_ids])).toEqual([new_ids]);
      const { input_ids, attention_mask, new_ids } = golden.batch;
      expect(await newIds(input_ids, attention_mask)).toEqual(new_ids);
    });

    test("logits", async () => {
      const { input_ids, logits } = golden.forward;
      for (const [length, expected] of Object.entries(logits)) {
        const inputIds = [input_ids.slice(0, Number(length))];
        const result = await model.generate({ inputIds, maxNewTokens: 1, outputLogits: true });
        const got = result.logits![0]![0]!;
        const scale = Math.max(...expected.map(Math.abs));
        expect(Math.max(...expected.map((value, i) => Math.abs(value - got[i]!))) / scale).toBeLessThan(1e-5);
      }
    });
  });
}
