import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "./auto-model.ts";
import { pipeline } from "./pipeline.ts";
import type { Seq2SeqLM } from "./seq2seq-lm.ts";
import type { Text2TextPipeline } from "./text2text-pipeline.ts";

// A random checkpoint of 128 tokens; these texts have ids below 128 in the unigram tokenizer.
const fixtures = join(import.meta.dirname, "../../test/fixtures");
const tokenizer = join(fixtures, "tokenizers/unigram");
const texts = ["hello world and you", "a dog", "いた。"];
let model: Seq2SeqLM;
let pipe: Text2TextPipeline;

beforeAll(async () => {
  model = await AutoModelForSeq2SeqLM.fromPretrained(join(fixtures, "encoder-decoder/t5_silu"), { device: "reference" });
  pipe = await pipeline("text2text-generation", { model, tokenizer });
});
afterAll(() => model.dispose());
beforeEach(() => setWarningHandler(() => {}));
afterEach(() => setWarningHandler());

// what transformers 5.18 answers: generate(**tokenizer(text), num_beams=4, …), decoded without special tokens
describe("text2text-generation", () => {
  const beams = ["大'''''''''''", "ドドドドドドドドドドドド", "行行行w行行行行行行行行"];
  const greedy = ["''' 3 3 3 3 3 3 3行行", "ドドドドドドドドドドドド", "tou 3 3 3 3天\n\n天天行"];

  test("a text: four beams unless the call says otherwise", async () => {
    const outputs = await pipe(texts[0]!, { maxNewTokens: 12 });
    expectTypeOf(outputs[0].generatedText).toEqualTypeOf<string>();
    expect(outputs).toEqual([{ generatedText: beams[0] }]);
    expect(await pipe(texts[0]!, { maxNewTokens: 12, numBeams: 1 })).toEqual([{ generatedText: greedy[0] }]);
  });

  test("texts, in order, whatever the batch size", async () => {
    const expected = beams.map((generatedText) => [{ generatedText }]);
    expect(await pipe(texts, { maxNewTokens: 12 })).toEqual(expected);
    expect(await pipe(texts, { maxNewTokens: 12, batchSize: 3 })).toEqual(expected);
    expect(await pipe([])).toEqual([]);
  });

  test("several answers, and the row of each token", async () => {
    const rows: number[] = [];
    const options = { maxNewTokens: 12, numReturnSequences: 2, onToken: ({ row }: { row: number }) => rows.push(row) };
    const outputs = await pipe(texts.slice(0, 2), options);
    expect(outputs[0]).toEqual([{ generatedText: beams[0] }, { generatedText: "'' 3 3 3 3 3 3 3 3行行" }]);
    expect([...new Set(rows)].sort()).toEqual([0, 1, 2, 3]);
  });

  test("stops after 256 new tokens", async () => {
    let count = 0;
    await pipe(texts[1]!, { numBeams: 1, onToken: () => count++ });
    expect(count).toBe(256);
  });

  test("streams an answer", async () => {
    const pieces: string[] = [];
    const stream = model.stream({ prompt: texts[0]!, tokenizer: pipe.tokenizer, maxNewTokens: 12, doSample: false });
    for await (const piece of stream) pieces.push(piece);
    expect(pieces.join("")).toBe(greedy[0]);
  });

  test("options of a call may be the pipeline's", async () => {
    const short = await pipeline("text2text-generation", { model, tokenizer, maxNewTokens: 12, numBeams: 1, batchSize: 3 });
    expect(await short(texts)).toEqual(greedy.map((generatedText) => [{ generatedText }]));
    expect(await short(texts[0]!, { numBeams: 4 })).toEqual([{ generatedText: beams[0] }]);
    await expect(pipeline("text2text-generation", { model, tokenizer, batchSize: 0 })).rejects.toThrow("batchSize");
    await expect(pipeline("text2text-generation", { model, tokenizer, numBeams: -1 })).rejects.toThrow("numBeams");
  });

  test("refuses by name", async () => {
    await expect(pipe(texts[0]!, { truncation: true } as never)).rejects.toThrow("texts are never cut");
    await expect(pipe([texts[0]!, 3] as never)).rejects.toMatchObject({ code: "invalid_input" });
    await expect(pipe(texts[0]!, { returnFullText: true } as never)).rejects.toThrow("returnFullText");
    await expect(pipe(texts[0]!, { batchSize: 0 })).rejects.toThrow("batchSize");
    await expect(pipeline("text-generation", { model, tokenizer })).rejects.toThrow("text2text-generation");
    const llama = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference" });
    await expect(pipeline("text2text-generation", { model: llama as Seq2SeqLM, tokenizer })).rejects.toThrow("encoder-decoder");
    await llama.dispose();
  });
});
