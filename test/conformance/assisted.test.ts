import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import type { GenerateOptions } from "../../src/generate/generate-options.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";
import { isLong } from "../helpers/seed-count.ts";

interface Answer {
  target: string;
  assistant: string;
  options: Record<string, unknown>;
  input_ids: number[];
  lookup: Record<string, unknown>;
  drafts: Record<string, unknown>;
  found: number[];
  helped: number[];
}

interface Golden {
  greedy: { input_ids: number[]; new_ids: number[] }[];
  batch?: { input_ids: number[][]; attention_mask: number[][]; new_ids: number[][] };
  modes?: { kwargs: Record<string, unknown>; seed: number; input_ids: number[][]; new_ids: number[][] }[];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const { answers } = JSON.parse(readFileSync(join(fixtures, "decoding/assisted.json"), "utf8")) as { answers: Answer[] };
// Drafts are the engine's business, which is the same over every backend.
const devices = isLong ? (["cpu", "reference"] as const) : (["cpu"] as const);
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));
const encoderDecoders = ["t5", "bart"];

function load(name: string, options: object): Promise<CausalLM> {
  if (!encoderDecoders.includes(name)) return AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), options);
  return AutoModelForSeq2SeqLM.fromPretrained(join(fixtures, "encoder-decoder", name), options);
}

function goldenOf(name: string): Golden {
  const folder = encoderDecoders.includes(name) ? "encoder-decoder" : "models";
  return JSON.parse(readFileSync(join(fixtures, folder, name, "golden.json"), "utf8")) as Golden;
}

/** Nothing runs, waits or is parked, and no block is held. */
function expectIdle(...models: CausalLM[]): void {
  for (const model of models) {
    const { running, waiting, parked, blocks } = model.statistics();
    expect({ running, waiting, parked }).toEqual({ running: 0, waiting: 0, parked: 0 });
    for (const { used } of Object.values(blocks)) expect(used).toBe(0);
  }
}

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(devices)("transformers' assisted greedy answers on %s", (device) => {
  describe.each([...new Set(answers.map(({ target }) => target))])("%s", (target) => {
    const cases = answers.filter((answer) => answer.target === target);
    let model: CausalLM;
    let assistant: CausalLM;
    beforeAll(async () => {
      const names = [target, cases[0]!.assistant];
      [model, assistant] = (await Promise.all(names.map((name) => load(name, { dtype: "float32", device })))) as [
        CausalLM,
        CausalLM,
      ];
    });
    afterAll(() => Promise.all([model?.dispose(), assistant?.dispose()]));

    test.each(cases.map((item) => [JSON.stringify({ ...item.options, ...item.lookup }), item] as const))(
      "%s",
      async (_, { options, input_ids, lookup, drafts, found, helped }) => {
        const common = { inputIds: [input_ids], ...camelKeys(options) };
        const byLookup = await model.generate({ ...common, ...camelKeys(lookup) });
        expect(byLookup.sequences).toEqual([found]);
        const byModel = await model.generate({ ...common, assistantModel: assistant, ...camelKeys(drafts) });
        expect(byModel.sequences).toEqual([helped]);
        // The first token needs no draft, nor does the last one.
        if (helped.length > input_ids.length + 2) expect(byModel.assisted!.drafted).toBeGreaterThan(0);
        expectIdle(model, assistant);
      },
    );
  });
});

// Full attention, windows, learned positions, slots alone and beside blocks, mixtures, an encoder, changing rotary factors.
const targets = ["llama", "gpt2", "gemma2", "mamba", "lfm2", "qwen3_next", "qwen3_moe", "t5", "llama_dynamic_rope"];

describe.each(devices)("answers do not change with drafts on %s", (device) => {
  describe.each(targets)("%s", (name) => {
    const golden = goldenOf(name);
    let model: CausalLM;
    /** The same model, rounded: right most of the time. */
    let near: CausalLM;
    /** Another model: wrong nearly always. */
    let far: CausalLM;
    let ways: [string, GenerateOptions][] = [];
    beforeAll(async () => {
      const other = encoderDecoders.includes(name) ? "bart" : name === "gpt2" ? "llama" : "gpt2";
      [model, near, far] = await Promise.all([
        load(name, { dtype: "float32", device, maxBatchSize: 8 }),
        load(name, { dtype: "bfloat16", device, maxBatchSize: 8 }),
        load(other, { dtype: "float32", device, maxBatchSize: 8 }),
      ]);
      ways = [
        ["lookup", { promptLookupNumTokens: 5, maxMatchingNgramSize: 3 }],
        ["near", { assistantModel: near, assistantConfidenceThreshold: 0, numAssistantTokens: 6 }],
        ["far", { assistantModel: far, assistantConfidenceThreshold: 0, numAssistantTokens: 3 }],
      ];
    });
    afterAll(() => Promise.all([model?.dispose(), near?.dispose(), far?.dispose()]));

    const total = { near: { drafted: 0, accepted: 0 }, far: { drafted: 0, accepted: 0 } };
    const answersAre = async (options: GenerateOptions, prompt: number, expected: number[][]) => {
      for (const [way, own] of ways) {
        const { sequences, assisted } = await model.generate({ ...options, ...own });
        expect(sequences.map((row) => row.slice(prompt))).toEqual(expected);
        if (way === "lookup") continue;
        const sum = total[way as "near" | "far"];
        sum.drafted += assisted!.drafted;
        sum.accepted += assisted!.accepted;
      }
      expectIdle(model, near, far);
    };
    const skipped = encoderDecoders.includes(name) ? 0 : undefined;

    test("greedy", async () => {
      for (const { input_ids, new_ids } of golden.greedy) {
        await answersAre({ inputIds: [input_ids], maxNewTokens: 24 }, skipped ?? input_ids.length, [new_ids]);
      }
    });

    if (golden.batch) {
      test("left-padded batch", async () => {
        const { input_ids, attention_mask, new_ids } = golden.batch!;
        const options = { inputIds: input_ids, attentionMask: attention_mask, maxNewTokens: 24 };
        await answersAre(options, skipped ?? input_ids[0]!.length, new_ids);
      });
    }

    test("seeded copies of a batch", async () => {
      const rows = golden.batch ?? { input_ids: [golden.greedy[0]!.input_ids], attention_mask: undefined };
      const options = { inputIds: rows.input_ids, attentionMask: rows.attention_mask, numReturnSequences: 3, seed: 11 };
      const sampling = { doSample: true, maxNewTokens: 20, temperature: 0.8, topK: 30, topP: 0.95, repetitionPenalty: 1.2 };
      const { sequences } = await model.generate({ ...options, ...sampling });
      await answersAre({ ...options, ...sampling }, 0, sequences);
    });

    test("drafts were right and wrong", () => {
      expect(total.near.accepted).toBeGreaterThan(0.6 * total.near.drafted);
      expect(total.far.drafted).toBeGreaterThan(50);
      expect(total.far.accepted).toBeLessThan(0.2 * total.far.drafted);
    });
  });
});

describe.each(devices)("transformers' seeded answers, with drafts, on %s", (device) => {
  test("llama", async () => {
    const model = await load("llama", { dtype: "float32", device });
    const assistantModel = await load("llama", { dtype: "bfloat16", device });
    const sampled = goldenOf("llama").modes!.filter(({ kwargs }) => kwargs.do_sample && !kwargs.num_beams);
    expect(sampled.length).toBeGreaterThan(3);
    for (const { kwargs, seed, input_ids, new_ids } of sampled) {
      const options = { inputIds: input_ids, attentionMask: input_ids.map((row) => row.map((id) => (id === 0 ? 0 : 1))) };
      const drafts = { assistantModel, numAssistantTokens: 4, assistantConfidenceThreshold: 0 };
      const { sequences } = await model.generate({ ...options, ...camelKeys(kwargs), ...drafts, seed });
      expect(sequences.map((row) => row.slice(input_ids[0]!.length))).toEqual(new_ids);
    }
    expectIdle(model, assistantModel);
    await Promise.all([model.dispose(), assistantModel.dispose()]);
  });
});

test("bfloat16 on the cpu device is token-exact with drafts", async () => {
  for (const name of ["llama", "qwen3_moe", "lfm2"]) {
    const model = await load(name, { dtype: "bfloat16", device: "cpu" });
    const assistantModel = await load(name, { dtype: "float32", device: "cpu" });
    const repeats = [1, ...Array.from({ length: 24 }, (_, index) => 3 + (index % 6))];
    for (const inputIds of [repeats, [1, 9, 80, 33], [1, 5]]) {
      const options = { inputIds, maxNewTokens: 60, eosTokenId: null };
      const { sequences } = await model.generate(options);
      expect((await model.generate({ ...options, promptLookupNumTokens: 10 })).sequences).toEqual(sequences);
      const drafts = { assistantModel, assistantConfidenceThreshold: 0, numAssistantTokens: 8 };
      expect((await model.generate({ ...options, ...drafts })).sequences).toEqual(sequences);
    }
    await Promise.all([model.dispose(), assistantModel.dispose()]);
  }
});
