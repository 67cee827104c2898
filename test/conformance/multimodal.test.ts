import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";

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

for (const device of ["reference", "cpu"] as const) {
  describe.each(names)(`the text part of %s on ${device}`, (name) => {
    const golden = JSON.parse(readFileSync(join(fixtures, name, "golden.json"), "utf8")) as Golden;
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const newIds = async (inputIds: number[][], attentionMask?: number[][]) => {
      const { sequences } = await model.generate({ inputIds, attentionMask, maxNewTokens: 16, doSample: false });
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
