import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { TsumugiError } from "../errors.ts";
import { createTokenizer } from "../tokenizer/index.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { TextIteratorStreamer } from "./text-iterator-streamer.ts";
import { TextStreamer } from "./text-streamer.ts";

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/byte-level/${file}`, import.meta.url), "utf8"));
const tokenizer = createTokenizer({ tokenizerJson: read("tokenizer.json"), tokenizerConfig: read("tokenizer_config.json") });
const japanese = tokenizer.encode("これは😀です。");

test("kana wait for the end in words, and come as they are made in characters", () => {
  for (const [flush, count] of [
    ["word", 1],
    ["character", 4],
  ] as const) {
    const texts: string[] = [];
    const streamer = new TextStreamer(tokenizer, { flush, onText: (text) => texts.push(text) });
    streamer.put([[]]);
    for (const id of japanese) streamer.put([id]);
    const before = texts.length;
    streamer.end();
    expect(texts.join("")).toBe("これは😀です。");
    expect(texts.length).toBeGreaterThanOrEqual(count);
    if (flush === "word") expect(before).toBe(0);
  }
});

test("without onText it writes to standard output and ends the line", () => {
  const write = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
  try {
    const streamer = new TextStreamer(tokenizer, { skipPrompt: true });
    streamer.put([tokenizer.encode("prompt")]);
    streamer.put(tokenizer.encode("Hello world"));
    streamer.end();
    expect(write.mock.calls.map(([text]) => text).join("")).toBe("Hello world\n");
  } finally {
    write.mockRestore();
  }
});

test("a batch and unknown options are refused", () => {
  expect(() => new TextStreamer(tokenizer).put([[1], [2]])).toThrow(/1 sequence/);
  expect(() => new TextStreamer(tokenizer, { skip_prompt: true } as object)).toThrow(/skipPrompt/);
  expect(() => new TextStreamer(tokenizer, { flush: "line" } as object)).toThrow(/flush/);
});

test("the iterator gives whole characters and can be used again", async () => {
  const streamer = new TextIteratorStreamer(tokenizer, { skipPrompt: true, timeout: 1000 });
  for (let round = 0; round < 2; round++) {
    const pieces: string[] = [];
    const reading = (async () => {
      for await (const piece of streamer) pieces.push(piece);
    })();
    streamer.put([[1, 2, 3]]);
    for (const id of japanese) {
      streamer.put([id]);
      await Promise.resolve();
    }
    streamer.end();
    await reading;
    expect(pieces.join("")).toBe("これは😀です。");
    for (const piece of pieces) expect(piece).not.toMatch(/\ufffd|\p{Surrogate}/u);
  }
});

test("the iterator waits no longer than its timeout, and passes failures on", async () => {
  const slow = new TextIteratorStreamer(tokenizer, { timeout: 10 });
  await expect(slow.next()).rejects.toMatchObject({ code: "stream_timeout" });
  const failing = new TextIteratorStreamer(tokenizer);
  const next = failing.next();
  failing.fail(new TsumugiError("aborted"));
  await expect(next).rejects.toMatchObject({ code: "aborted" });
});

test.each([
  [{ skipPrompt: "x" }, "`skipPrompt` must be true or false"],
  [{ onText: 5 }, "`onText` must be a function"],
  [null, "The options must be an object"],
])("options %j are refused", (options, message) => {
  expect(() => new TextStreamer(tokenizer, options as never)).toThrow(message);
  if (options === null || !("onText" in options))
    expect(() => new TextIteratorStreamer(tokenizer, options as never)).toThrow(message);
});

test("a streamer needs a tokenizer, and an iterator has no onText", () => {
  expect(() => new TextStreamer(undefined as never)).toThrow("must be a tokenizer");
  expect(() => new TextIteratorStreamer(tokenizer, { onText() {} } as never)).toThrow("`onText` is not supported");
});

test("a warning handler is a function", () => {
  expect(() => setWarningHandler(5 as never)).toThrow("The handler must be a function. Given: 5.");
});
