import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

/** tools/golden/hidden_states.py */
interface Golden {
  sequences: number[][];
  shapes: [number, number, number][][];
  /** [step][layer][row][token]: the first four values, and the sum of all squares. */
  values: number[][][][][];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const golden: Record<string, Golden> = JSON.parse(readFileSync(join(fixtures, "decoding/hidden-states.json"), "utf8"));
const open = (name: string, device: "reference" | "cpu") =>
  AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { dtype: "float32", device });
const inputs = {
  inputIds: [
    [0, 0, 11, 12, 13],
    [5, 6, 7, 8, 9],
  ],
  attentionMask: [
    [0, 0, 1, 1, 1],
    [1, 1, 1, 1, 1],
  ],
};
const options = { maxNewTokens: 3, minNewTokens: 3, padTokenId: 0, outputHiddenStates: true, returnDictInGenerate: true };

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

test.each(Object.keys(golden))("%s: transformers' hidden states", async (name) => {
  const { sequences, shapes, values } = golden[name]!;
  const model = await open(name, "reference");
  const result = await model.generate({ ...inputs, ...options });
  await model.dispose();
  expect(result.sequences).toEqual(sequences);
  const states = result.hiddenStates!;
  expect(states.map((step) => step.map(({ shape }) => shape))).toEqual(shapes);
  values.forEach((step, at) => {
    step.forEach((layer, index) => {
      const { shape, data } = states[at]![index]!;
      const [, tokens, hidden] = shape;
      layer.forEach((row, r) => {
        row.forEach((expected, token) => {
          const vector = data.subarray((r * tokens + token) * hidden, (r * tokens + token + 1) * hidden);
          const squares = vector.reduce((sum, value) => sum + value * value, 0);
          const isPad = at === 0 && inputs.attentionMask[r]![token] === 0;
          if (isPad) expect(squares).toBe(0);
          else {
            const scale = Math.sqrt(expected[4]! / hidden);
            const where = `step ${at}, layer ${index}, row ${r}, token ${token}`;
            for (let i = 0; i < 4; i++) expect(Math.abs(vector[i]! - expected[i]!) / scale, where).toBeLessThan(1e-4);
            expect(Math.abs(squares / expected[4]! - 1), where).toBeLessThan(1e-4);
          }
        });
      });
    });
  });
});

test("copies of a prompt have its states, then their own; chunks and rows that end change nothing", async () => {
  const model = await open("llama", "reference");
  const ids = Array.from({ length: 20 }, (_, i) => 3 + i);
  const sampled = await model.generate({
    inputIds: [ids],
    maxNewTokens: 4,
    minNewTokens: 4,
    doSample: true,
    seed: 3,
    numReturnSequences: 2,
    outputHiddenStates: true,
  });
  for (const row of [0, 1]) {
    const tokens = sampled.sequences[row]!;
    const alone = await model.generate({ inputIds: [tokens.slice(0, -1)], maxNewTokens: 1, outputHiddenStates: true });
    alone.hiddenStates![0]!.forEach(({ data: whole, shape }, layer) => {
      const parts = sampled.hiddenStates!.map((step) => {
        const { data, shape } = step[layer]!;
        const size = shape[1] * shape[2];
        return [...data.subarray(row * size, (row + 1) * size)];
      });
      expect(parts.flat()).toHaveLength(shape[1] * shape[2]);
      parts.flat().forEach((value, i) => {
        expect(value).toBeCloseTo(whole[i]!, 4);
      });
    });
  }
  await model.dispose();
});

test("refused by name where it does not work", async () => {
  const reference = await open("llama", "reference");
  const on = { inputIds: [[5]], outputHiddenStates: true };
  await expect(reference.generate({ ...on, penaltyAlpha: 0.6, topK: 4 })).rejects.toThrow(
    "`outputHiddenStates` is not supported: contrastive search does not give them",
  );
  expect((await reference.generate({ inputIds: [[5]], maxNewTokens: 1 })).hiddenStates).toBeUndefined();
  await reference.dispose();
  const cpu = await open("llama", "cpu");
  await expect(cpu.generate(on)).rejects.toThrow('`outputHiddenStates` is not supported: only `device: "reference"`');
  cpu.generationConfig = { ...cpu.generationConfig, outputHiddenStates: true };
  expect((await cpu.generate({ inputIds: [[5]], maxNewTokens: 1 })).hiddenStates).toBeUndefined();
  await cpu.dispose();
  const wide = await open("opt_350m", "reference");
  await expect(wide.generate(on)).rejects.toThrow("only where that is one value as wide as the model says");
  const streams = await open("gemma3n_text", "reference");
  await expect(streams.generate(on)).rejects.toThrow("only where that is one value as wide as the model says");
  await streams.dispose();
  await wide.dispose();
});
