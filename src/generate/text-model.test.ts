import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { checkTextCall } from "./check-text-call.ts";
import { pipeline } from "./pipeline.ts";
import type { TextModel, TextModelCapabilities, TextModelOptions, TextPrompt } from "./text-model.ts";
import type { TextModelPipeline } from "./text-model-pipeline.ts";
import type { TextResult } from "./text-result.ts";
import { createTextStream } from "./text-stream.ts";

const root = join(import.meta.dirname, "../..");

/** A model elsewhere: text goes out, pieces come back one by one. It says the words of the last text backwards. */
class RemoteModel implements TextModel {
  readonly id = "remote:backwards";
  readonly capabilities: TextModelCapabilities;
  /** Every call that reached the model, and how many were under way at once. */
  readonly calls: { prompt: TextPrompt; options: Omit<TextModelOptions, "signal"> }[] = [];
  mostAtOnce = 0;
  #running = 0;

  constructor(capabilities: Partial<TextModelCapabilities> = {}) {
    this.capabilities = { text: true, chat: true, tokenIds: false, options: ["maxNewTokens", "temperature"], ...capabilities };
  }

  stream(prompt: TextPrompt, options: TextModelOptions = {}) {
    checkTextCall(this, prompt, options);
    return createTextStream<TextResult>(async (push, stop) => {
      const { signal, ...sent } = options;
      const either = signal ? AbortSignal.any([signal, stop]) : stop;
      this.calls.push({ prompt, options: sent });
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#running);
      try {
        return await this.#answer(prompt, options, either, push);
      } finally {
        this.#running--;
      }
    });
  }

  async generate(prompt: TextPrompt, options: TextModelOptions = {}): Promise<TextResult> {
    const result = await this.stream(prompt, options).result;
    if (result.finishReason === "abort") throw new TsumugiError("aborted");
    return result;
  }

  async #answer(prompt: TextPrompt, options: TextModelOptions, signal: AbortSignal, push: (piece: string) => void) {
    const asked = typeof prompt === "string" ? prompt : String(prompt.at(-1)!.content);
    const words = asked.split(" ").reverse();
    const kept = words.slice(0, options.maxNewTokens ?? words.length);
    let text = "";
    for (const word of kept) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (signal.aborted) return { text, finishReason: "abort" as const };
      if (word === "fail") throw new Error("503 from afar");
      push(` ${word}`);
      text += ` ${word}`;
    }
    const usage = { promptTokens: words.length, completionTokens: kept.length };
    return { text, usage, finishReason: kept.length < words.length ? ("length" as const) : ("stop" as const) };
  }
}

let remote: RemoteModel;
let pipe: TextModelPipeline;
beforeEach(async () => {
  remote = new RemoteModel();
  pipe = await pipeline("text-generation", { model: remote });
});

describe("a pipeline over a remote model", () => {
  test("answers a text, and sends only what the call names", async () => {
    const outputs = await pipe("one two three", { maxNewTokens: 2 });
    expectTypeOf(outputs[0].generatedText).toEqualTypeOf<string>();
    expect(outputs).toEqual([{ generatedText: "one two three three two" }]);
    expect(remote.calls).toEqual([{ prompt: "one two three", options: { maxNewTokens: 2 } }]);
    expect(await pipe("one two", { returnFullText: false })).toEqual([{ generatedText: " two one" }]);
  });

  test("answers lists in order, batchSize prompts at once", async () => {
    const prompts = ["a b c", "d", "e f", "g"];
    const expected = ["a b c c b a", "d d", "e f f e", "g g"].map((generatedText) => [{ generatedText }]);
    expect(await pipe(prompts)).toEqual(expected);
    expect(remote.mostAtOnce).toBe(1);
    expect(await pipe(prompts, { batchSize: 3 })).toEqual(expected);
    expect(remote.mostAtOnce).toBe(3);
    expect(await pipe([])).toEqual([]);
  });

  test("answers chats with the assistant's message", async () => {
    const chat = [{ role: "user", content: "good day" }];
    const answered = [...chat, { role: "assistant", content: " day good" }];
    expect(await pipe(chat)).toEqual([{ generatedText: answered }]);
    expect(await pipe([chat, chat], { batchSize: 2 })).toEqual([[{ generatedText: answered }], [{ generatedText: answered }]]);
    expect(await pipe(chat, { returnFullText: false })).toEqual([{ generatedText: " day good" }]);
    expect(remote.calls[0]!.prompt).toEqual(chat);
  });

  test("takes defaults, over which a call's options stand", async () => {
    const own = await pipeline("text-generation", { model: remote, maxNewTokens: 1, returnFullText: false });
    expect(await own("a b c")).toEqual([{ generatedText: " c" }]);
    expect(await own("a b c", { maxNewTokens: 2 })).toEqual([{ generatedText: " c b" }]);
  });

  test("a failure is thrown, what runs beside it is ended, and nothing more is sent", async () => {
    const asked = pipe(["a b c d e f g h", "a fail", "never sent"], { batchSize: 2 });
    await expect(asked).rejects.toThrow("503 from afar");
    expect(remote.calls.map(({ prompt }) => prompt)).toEqual(["a b c d e f g h", "a fail"]);
  });

  test("aborting rejects with aborted, before and during a call", async () => {
    await expect(pipe("a b c", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(remote.calls).toEqual([]);
    const stop = new AbortController();
    const asked = pipe(["a b c d e f g h", "later"], { signal: stop.signal });
    setTimeout(() => stop.abort(), 5);
    await expect(asked).rejects.toMatchObject({ code: "aborted" });
    expect(remote.calls).toHaveLength(1);
  });

  test.each([
    [{ numBeams: 4 }, "Option `numBeams` is not supported: the model `remote:backwards` cannot honour it."],
    [
      { logitsProcessor: [() => {}] },
      "Option `logitsProcessor` is not supported: the model `remote:backwards` takes and gives text",
    ],
    [
      { streamer: { put() {}, end() {} } },
      "Option `streamer` is not supported: the model `remote:backwards` takes and gives text",
    ],
    [{ returnTensors: true }, "Option `returnTensors` is not supported: the model `remote:backwards` takes and gives text"],
    [{ numReturnSequences: 2 }, "Option `numReturnSequences` is not supported: the model `remote:backwards` gives one text"],
    [{ prefix: "x" }, "Unknown option `prefix`"],
    [{ tempreature: 1 }, "(did you mean `temperature`?)"],
    [{ tools: [] }, "Option `tools` is not supported: the model `remote:backwards` cannot honour it."],
  ])("refuses %j by name before anything is sent", async (options, message) => {
    await expect(pipe(["a", "b"], options as object)).rejects.toThrow(message);
    expect(remote.calls).toEqual([]);
    await expect(pipeline("text-generation", { model: remote, ...options } as never)).rejects.toThrow(message);
  });

  test("refuses what its capabilities do not have: chats, texts, going on with a message", async () => {
    const chat = [{ role: "user", content: "hi" }];
    const texts = await pipeline("text-generation", { model: new RemoteModel({ chat: false }) });
    await expect(texts(chat)).rejects.toThrow("The prompt must be a text: it is what the model `remote:backwards` takes.");
    const chats = await pipeline("text-generation", { model: new RemoteModel({ text: false }) });
    await expect(chats("hi")).rejects.toThrow("The prompt must be a chat");
    const started = [...chat, { role: "assistant", content: "well" }];
    await expect(pipe(started)).rejects.toThrow("Option `continueFinalMessage` is not supported");
    expect(await pipe(started, { continueFinalMessage: false, returnFullText: false })).toEqual([{ generatedText: " well" }]);
    const able = new RemoteModel({ options: ["continueFinalMessage"] });
    const [{ generatedText }] = await (await pipeline("text-generation", { model: able }))(started);
    expect(generatedText).toEqual([...chat, { role: "assistant", content: "well well" }]);
  });

  test("loading options, a tokenizer and other tasks say nothing to it, and are refused", async () => {
    const make = (task: string, more: object) => pipeline(task as "text-generation", { model: remote, ...more });
    await expect(make("text-generation", { dtype: "float32" })).rejects.toThrow("`dtype` and a loaded `model`");
    await expect(make("text-generation", { tokenizer: "gpt2" })).rejects.toThrow("Option `tokenizer` is not supported");
    await expect(make("text2text-generation", {})).rejects.toThrow("an encoder-decoder model that is loaded here");
  });
});

describe("a stream", () => {
  test("gives pieces as they come, and how it ended", async () => {
    const stream = remote.stream("a b c", { maxNewTokens: 2 });
    const pieces: string[] = [];
    for await (const piece of stream) pieces.push(piece);
    expect(pieces).toEqual([" c", " b"]);
    const usage = { promptTokens: 3, completionTokens: 2 };
    expect(await stream.result).toEqual({ text: " c b", finishReason: "length", usage });
  });

  test("throws what the model throws, behind the pieces that came", async () => {
    const pieces: string[] = [];
    const read = async () => {
      for await (const piece of remote.stream("fail a")) pieces.push(piece);
    };
    await expect(read()).rejects.toThrow("503 from afar");
    expect(pieces).toEqual([" a"]);
  });

  test("leaving the loop ends the call, and its result says so", async () => {
    const stream = remote.stream("a b c d e f");
    for await (const _ of stream) break;
    expect((await stream.result).finishReason).toBe("abort");
  });
});

describe("a local model is a text model", () => {
  let model: CausalLM;
  beforeAll(async () => {
    model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { dtype: "float32", contextTokens: 256 });
  });
  afterAll(() => model.dispose());
  const options = { maxNewTokens: 8, doSample: false };

  /** What any code does with any model. */
  async function read(given: TextModel, prompt: TextPrompt): Promise<string> {
    let text = "";
    for await (const piece of given.stream(prompt, options)) text += piece;
    expect((await given.generate(prompt, options)).text).toBe(text);
    return text;
  }

  test("its texts and answers to chats are those of its pipeline", async () => {
    const local = await pipeline("text-generation", { model });
    const chat = [{ role: "user", content: "Tell me a story." }];
    for (const messages of [chat, [...chat, { role: "assistant", content: "Once upon a" }]]) {
      const [{ generatedText }] = await local(messages, { ...options, returnFullText: false });
      expect(await read(model, messages)).toBe(generatedText);
    }
    const [{ generatedText }] = await local("Once upon a time", { ...options, returnFullText: false });
    expect(await read(model, "Once upon a time")).toBe(generatedText);
    expect(await model.stream({ prompt: "Once upon a time", ...options }).result).toMatchObject({ text: generatedText });
  });

  test("it honours beams in generate, counts tokens, and rejects when it is aborted", async () => {
    const beams = await model.generate("Once upon a time", { ...options, numBeams: 3 });
    const tokenizer = await model.loadTokenizer();
    const { sequences } = await model.generate({ ...tokenizer("Once upon a time"), ...options, numBeams: 3 });
    expect(sequences[0]!.slice(-8)).toEqual(beams.tokenIds);
    expect(beams.text).toBe(tokenizer.decode(sequences[0]!).slice("Once upon a time".length));
    expect(beams.usage).toEqual({ promptTokens: tokenizer.encode("Once upon a time").length, completionTokens: 8 });
    const aborted = model.generate("Once", { ...options, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  });

  test("it gives one answer where its files ask for several", async () => {
    const files = model.generationConfig;
    model.generationConfig = { ...files, numReturnSequences: 2, doSample: true };
    const { tokenIds } = await model.generate("Once upon a time", { maxNewTokens: 4, seed: 1 });
    model.generationConfig = files;
    expect(tokenIds).toHaveLength(4);
  });

  test.each([
    [
      "x",
      { inputIds: [[1]] },
      "Option `inputIds` is not supported: the model `tsumugi-mini` gives one text to a prompt; what asks for more",
    ],
    ["x", { dtype: "float32" }, "Option `dtype` is not supported: it is an option of loading: give it to `fromPretrained`"],
    ["x", { tools: [] }, "Option `tools` is not supported: it is for chats"],
    ["x", { topPp: 1 }, "(did you mean `topP`?)"],
    [[{ role: "user", content: "x" }], { addSpecialTokens: false }, "a chat template writes special tokens itself"],
  ] as const)("%j with %j is refused", async (prompt, given, message) => {
    await expect(model.generate(prompt, given as object)).rejects.toThrow(message);
    expect(() => model.stream(prompt, given as object)).toThrow(message);
  });

  test("an encoder-decoder model takes texts and no chats", async () => {
    const folder = join(root, "test/fixtures/encoder-decoder/t5");
    const t5 = await AutoModelForSeq2SeqLM.fromPretrained(folder, { device: "reference" });
    expect(t5.capabilities).toMatchObject({ text: true, chat: false, tokenIds: true });
    await expect(t5.generate([{ role: "user", content: "x" }])).rejects.toThrow("The prompt must be a text: it is what");
    await t5.dispose();
  });
});
