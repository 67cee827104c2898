import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "../../src/generate/auto-model.ts";
import type { Seq2SeqLM } from "../../src/generate/seq2seq-lm.ts";
import { setSeed } from "../../src/sampling/index.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

interface Golden {
  greedy: { input_ids: number[]; new_ids: number[] }[];
  batch: { input_ids: number[][]; attention_mask: number[][]; new_ids: number[][] };
  modes?: {
    kwargs: Record<string, unknown>;
    seed: number;
    input: "single" | "batch";
    input_ids: number[][];
    new_ids: number[][];
  }[];
}

const fixtures = join(import.meta.dirname, "../fixtures/encoder-decoder");
const names = readdirSync(fixtures);
const devices = ["reference", "cpu"] as const;

const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));
const ones = (rows: number[][]) => rows.map((row) => row.map(() => 1));

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

for (const device of devices) {
  describe.each(names)(`%s on ${device}`, (name) => {
    const golden = JSON.parse(readFileSync(join(fixtures, name, "golden.json"), "utf8")) as Golden;
    let model: Seq2SeqLM;
    beforeAll(async () => {
      model = await AutoModelForSeq2SeqLM.fromPretrained(join(fixtures, name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const generate = async (inputIds: number[][], attentionMask: number[][], options: object) =>
      (await model.generate({ inputIds, attentionMask, ...options })).sequences;

    test("greedy", async () => {
      for (const { input_ids, new_ids } of golden.greedy) {
        expect(await generate([input_ids], ones([input_ids]), { maxNewTokens: 24, doSample: false })).toEqual([new_ids]);
      }
    });

    test("left-padded and right-padded batch", async () => {
      const { input_ids, attention_mask, new_ids } = golden.batch;
      const options = { maxNewTokens: 24, doSample: false };
      expect(await generate(input_ids, attention_mask, options)).toEqual(new_ids);
      const turned = (rows: number[][]) =>
        rows.map((row, index) => {
          const pads = attention_mask[index]!.indexOf(1);
          const turn = pads > 0 ? pads : attention_mask[index]!.lastIndexOf(1) + 1;
          return [...row.slice(turn), ...row.slice(0, turn)];
        });
      expect(await generate(turned(input_ids), turned(attention_mask), options)).toEqual(new_ids);
    });

    test.each((golden.modes ?? []).map((mode) => [`${mode.input} ${JSON.stringify(mode.kwargs)}`, mode] as const))(
      "%s",
      async (_, { kwargs, seed, input, input_ids, new_ids }) => {
        setSeed(seed);
        const mask = input === "batch" ? golden.batch.attention_mask : ones(input_ids);
        expect(await generate(input_ids, mask, camelKeys(kwargs))).toEqual(new_ids);
      },
    );

    test("leaves no block behind, and gives many requests at once the answers they get alone", async () => {
      const all = await Promise.all(
        golden.greedy.map(({ input_ids }) => generate([input_ids], ones([input_ids]), { maxNewTokens: 24, doSample: false })),
      );
      expect(all.map(([row]) => row)).toEqual(golden.greedy.map(({ new_ids }) => new_ids));
      const { blocks } = model.statistics();
      expect(Object.keys(blocks)).toContain("cross");
      expect(Object.values(blocks).map(({ used }) => used)).toEqual(Object.values(blocks).map(() => 0));
    });

    test("refuses by name what it cannot do", async () => {
      await expect(model.generate({ maxNewTokens: 2 })).rejects.toMatchObject({ code: "invalid_input" });
      const long = new Array<number>(Math.max(model.maxPositions, 512) + 1).fill(5);
      await expect(model.generate({ inputIds: [long], maxNewTokens: 2 })).rejects.toMatchObject({ code: "request_too_large" });
      if (/bart/.test(name)) {
        const beyond = { inputIds: [long.slice(0, model.maxPositions + 1)], maxNewTokens: 2 };
        await expect(model.generate(beyond)).rejects.toThrow(`${model.maxPositions + 1} positions`);
      }
      const starts = { inputIds: [[5, 6]], maxNewTokens: 2, decoderStartTokenId: [4, 5] };
      await expect(model.generate(starts)).rejects.toThrow("one token id, or one for each of 1 inputs. Given: [4,5]");
      const start = { inputIds: [[5, 6]], maxNewTokens: 2, decoderStartTokenId: 128 };
      await expect(model.generate(start)).rejects.toThrow("from 0 to 127");
      await expect(model.generate({ inputIds: [[5]], decoderInputIds: [[0]] } as object)).rejects.toThrow("`decoderInputIds`");
      const guided = { inputIds: [[5, 6]], maxNewTokens: 2, guidanceScale: 2 };
      await expect(model.generate(guided)).rejects.toThrow("`guidanceScale`");
    });
  });
}

test("each class names the other for a model of the other kind", async () => {
  const t5 = join(fixtures, "t5");
  await expect(AutoModelForCausalLM.fromPretrained(t5, { device: "reference" })).rejects.toThrow("Use `AutoModelForSeq2SeqLM`");
  const llama = join(import.meta.dirname, "../fixtures/models/llama");
  await expect(AutoModelForSeq2SeqLM.fromPretrained(llama, { device: "reference" })).rejects.toMatchObject({
    code: "model_class",
  });
});
