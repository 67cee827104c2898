import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { draftsOf, failureOf as failure, loadFixture as load, useDraftingPair } from "../../test/helpers/drafting-pair.ts";
import { resizedLlama } from "../../test/helpers/resized-llama.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { GenerateOptions } from "./generate-options.ts";

const pair = useDraftingPair();
let model: CausalLM;
let near: CausalLM;
let tokenizer: Tokenizer;
beforeAll(() => {
  ({ model, near, tokenizer } = pair);
});

const prompt = [1, 22, 41, 55];
const drafts = (more: GenerateOptions = {}) => draftsOf(pair, more);

describe("ends", () => {
  const options = { inputIds: [prompt, [1, 5, 6, 7]], maxNewTokens: 200, eosTokenId: null };

  test("an abort frees both models, wherever it comes", async () => {
    for (const tokens of [1, 2, 9, 30]) {
      const stop = new AbortController();
      let count = 0;
      const onToken = () => {
        count += 1;
        if (count === tokens) stop.abort();
      };
      const error = await failure(model.generate({ ...options, ...drafts(), signal: stop.signal, onToken }));
      expect(error.code).toBe("aborted");
      expect(count).toBe(tokens);
      expect(near.statistics()).toMatchObject({ running: 0, waiting: 0, parked: 0 });
    }
    // In the middle of a draft, or of the step that checks it.
    for (const call of [1, 2, 5, 20, 40]) {
      const stop = new AbortController();
      let calls = 0;
      const logitsProcessor = [
        () => {
          calls += 1;
          if (calls === call) stop.abort();
        },
      ];
      const error = await failure(model.generate({ ...options, ...drafts(), signal: stop.signal, logitsProcessor }));
      expect(error.code).toBe("aborted");
      expect(near.statistics()).toMatchObject({ running: 0, waiting: 0, parked: 0 });
    }
  });

  test("maxTime", async () => {
    const start = performance.now();
    const logitsProcessor = [
      (ids: readonly number[]) => {
        while (ids.length === 12 && performance.now() < start + 1000);
      },
    ];
    // The clock is past it when a row is 12 tokens long, however fast the machine.
    const { finishReasons } = await model.generate({ ...options, maxTime: 0.5, ...drafts(), logitsProcessor });
    expect(finishReasons).toEqual(["time", "time"]);
  });

  test("a row goes on alone while other calls have the places of its assistant", async () => {
    const narrow = await load("llama", { dtype: "bfloat16", maxBatchSize: 1 });
    const row = { inputIds: prompt, maxNewTokens: 8, eosTokenId: null };
    const plain = await model.generate(row);
    const stop = new AbortController();
    let started: () => void = () => {};
    const isBusy = new Promise<void>((resolve) => {
      started = resolve;
    });
    const busy = narrow.generate({ ...row, maxNewTokens: 240, signal: stop.signal, onToken: () => started() });
    await isBusy;
    const { sequences, assisted } = await model.generate({ ...row, ...drafts({ assistantModel: narrow }) });
    expect(sequences).toEqual(plain.sequences);
    expect(assisted).toEqual({ drafted: 0, accepted: 0 });
    stop.abort();
    expect((await failure(busy)).code).toBe("aborted");
    expect((await model.generate({ ...row, ...drafts({ assistantModel: narrow }) })).assisted!.drafted).toBe(5);
    expect(narrow.statistics()).toMatchObject({ running: 0, waiting: 0, parked: 0 });
    await narrow.dispose();
  });

  test("a processor of one's own that throws in a draft fails the call", async () => {
    const logitsProcessor = [
      (ids: readonly number[]) => {
        if (ids.length === 12) throw new Error("enough");
      },
    ];
    await expect(model.generate({ ...options, ...drafts(), logitsProcessor })).rejects.toThrow("enough");
  });

  test("what a processor of one's own throws where only a draft goes changes nothing", async () => {
    const far = await load("gpt2");
    const plain = await model.generate(options);
    const right = new Set(plain.sequences.flatMap((row) => row.map((_, index) => row.slice(0, index).join())));
    let thrown = 0;
    const logitsProcessor = [
      (ids: readonly number[]) => {
        if (right.has(ids.join())) return;
        thrown += 1;
        throw new Error("not here");
      },
    ];
    const way = drafts({ assistantModel: far, logitsProcessor });
    for (const more of [{}, { doSample: true, topK: 1, seed: 1 }]) {
      expect((await model.generate({ ...options, ...way, ...more })).sequences).toEqual(plain.sequences);
    }
    expect(thrown).toBeGreaterThan(10);
    await far.dispose();
  });

  test("an assistant that is disposed of, before or while it drafts", async () => {
    const gone = await load("llama", { dtype: "bfloat16" });
    let count = 0;
    const onToken = () => {
      count += 1;
      if (count === 20) void gone.dispose();
    };
    const error = await failure(model.generate({ ...options, ...drafts({ assistantModel: gone }), onToken }));
    expect(error.code).toBe("disposed");
    expect((await failure(model.generate({ ...options, ...drafts({ assistantModel: gone }) }))).code).toBe("disposed");
  });
});

describe("an assistant with another number of token ids", () => {
  const options = { inputIds: [prompt, [1, 5, 6, 7]], maxNewTokens: 20, eosTokenId: null };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tsumugi-vocabulary-"));
    for (const size of [60, 136]) await resizedLlama(size, join(folder, `${size}`));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("helps where its tokenizer has the same tokens", async () => {
    const own = await AutoModelForCausalLM.fromPretrained(join(folder, "136"), { device: "reference", maxBatchSize: 4 });
    const wide = { logitBias: { 3: -1 }, watermarkingConfig: {}, topK: 20, doSample: true, seed: 2 };
    for (const more of [{}, { repetitionPenalty: 1.3, suppressTokens: [5, 100] }, wide]) {
      const plain = await model.generate({ ...options, ...more });
      const way = drafts({ assistantModel: own, tokenizer: await own.loadTokenizer() });
      const { sequences, assisted } = await model.generate({ ...options, ...more, ...way });
      expect(sequences).toEqual(plain.sequences);
      // The weights are the same: only the ids that nobody uses are in the way.
      expect(assisted!.accepted).toBeGreaterThan(0.7 * assisted!.drafted);
    }
    await own.dispose();
    const small = await AutoModelForCausalLM.fromPretrained(join(folder, "60"), { device: "reference", maxBatchSize: 4 });
    const plain = await model.generate(options);
    const way = drafts({ assistantModel: small, tokenizer: await small.loadTokenizer() });
    expect((await model.generate({ ...options, ...way })).sequences).toEqual(plain.sequences);
    expect(small.statistics()).toMatchObject({ running: 0, waiting: 0, parked: 0 });
    await small.dispose();
  });

  test("is refused where that cannot be told, or is not so", async () => {
    const mini = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { device: "reference", contextTokens: 64 });
    const unknown = await failure(model.generate({ ...options, assistantModel: mini }));
    expect(unknown.code).toBe("invalid_option");
    expect(unknown.message).toContain("this model has no tokenizer to compare");
    const other = await failure(model.generate({ ...options, assistantModel: mini, tokenizer }));
    expect(other.message).toContain("with a tokenizer of its own");
    await mini.dispose();
  });
});
