import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer } from "./index.ts";

const folder = new URL("../../test/fixtures/tokenizers/", import.meta.url);
const load = (name: string) =>
  createTokenizer({ tokenizerJson: JSON.parse(readFileSync(new URL(`${name}/tokenizer.json`, folder), "utf8")) });
const lines = ["Hello, world! A dragon in a quiet valley. ", "昔々あるところに小さな竜が住んでいました。", "😀 é ﾊﾝｶｸ\n"];
const long = lines.join("").repeat(Math.ceil(100_000 / lines.join("").length));

test.each(["byte-level", "llama", "metaspace", "roberta", "unigram", "wordpiece"])(
  "%s: encodeAsync gives what encode gives, and lets others have their turn",
  async (name) => {
    const tokenizer = load(name);
    let turns = 0;
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      turns++;
    }, 1);
    const start = performance.now();
    const ids = await tokenizer.encodeAsync(long);
    const took = performance.now() - start;
    clearInterval(timer);
    if (process.env.TSUMUGI_SHOW) console.log(name, `${took.toFixed(0)} ms, longest pause ${longest.toFixed(0)} ms`);
    expect(ids).toEqual(tokenizer.encode(long));
    if (took > 200) expect(turns).toBeGreaterThan(2);
  },
);

test("encodeAsync takes encode's options and refuses others", async () => {
  const tokenizer = load("llama");
  const options = { truncation: true, maxLength: 5 };
  expect(await tokenizer.encodeAsync("Hello, world! How are you?", options)).toEqual(
    tokenizer.encode("Hello, world! How are you?", options),
  );
  await expect(tokenizer.encodeAsync("x", { max_length: 3 } as object)).rejects.toThrow("maxLength");
  await expect(tokenizer.encodeAsync(3 as unknown as string)).rejects.toThrow("text to tokenize");
});
