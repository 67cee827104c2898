import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pipeline } from "../../src/generate/index.ts";

// A trained checkpoint of 260 thousand parameters; it lies beside the repository on some machines.
const directory = join(import.meta.dirname, "../../../shared/checkpoints/stories260k");

interface Case {
  prompt: string;
  input_ids: number[];
  new_ids: number[];
  text: string;
}

describe.skipIf(!existsSync(directory))("stories260k (skipped where the checkpoint is absent)", () => {
  test.each(["reference", "cpu"] as const)("tokens and text of Python transformers on %s", async (device) => {
    const cases = JSON.parse(readFileSync(join(directory, "golden.json"), "utf8")) as Case[];
    const pipe = await pipeline("text-generation", { model: directory, dtype: "float32", device });
    try {
      for (const { prompt, input_ids, new_ids, text } of cases) {
        const inputs = pipe.tokenizer(prompt);
        expect(inputs.inputIds).toEqual(input_ids);
        const { sequences } = await pipe.model.generate({ ...inputs, maxNewTokens: new_ids.length, doSample: false });
        expect(sequences[0]!.slice(input_ids.length)).toEqual(new_ids);
        const [{ generatedText }] = await pipe(prompt, { maxNewTokens: new_ids.length, doSample: false });
        expect(generatedText).toBe(text);
        let streamed = "";
        for await (const piece of pipe.model.stream({ prompt, maxNewTokens: new_ids.length })) streamed += piece;
        expect(prompt + streamed).toBe(text);
      }
    } finally {
      await pipe.dispose();
    }
  });
});
