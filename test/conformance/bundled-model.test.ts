/** The model in the box, end to end, against Python transformers (test/fixtures/mini/golden.json). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pipeline } from "../../src/generate/index.ts";

interface Golden {
  maxNewTokens: number;
  generations: { prompt: string; inputIds: number[]; newIds: number[]; text: string }[];
}

const root = join(import.meta.dirname, "../..");
const model = join(root, "models/tsumugi-mini");
const golden = JSON.parse(readFileSync(join(root, "test/fixtures/mini/golden.json"), "utf8")) as Golden;

test.each([
  ["reference", 2],
  ["cpu", golden.generations.length],
] as const)("the bundled model gives the tokens and texts of transformers on %s", async (device, count) => {
  expect(golden.generations.length).toBeGreaterThan(2);
  const pipe = await pipeline("text-generation", { model, dtype: "float32", device });
  try {
    for (const { prompt, inputIds, newIds, text } of golden.generations.slice(0, count)) {
      const inputs = pipe.tokenizer(prompt);
      expect(inputs.inputIds).toEqual(inputIds);
      const options = { maxNewTokens: golden.maxNewTokens, doSample: false };
      const { sequences } = await pipe.model.generate({ ...inputs, ...options });
      expect(sequences[0]!.slice(inputIds.length)).toEqual(newIds);
      const [{ generatedText }] = await pipe(prompt, options);
      expect(generatedText).toBe(prompt + text);
      let streamed = "";
      for await (const piece of pipe.model.stream({ prompt, ...options })) streamed += piece;
      expect(streamed).toBe(text);
    }
  } finally {
    await pipe.dispose();
  }
});
