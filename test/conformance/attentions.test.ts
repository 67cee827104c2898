import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import type { GenerateResult } from "../../src/generate/generate-options.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

interface Tensor {
  shape: readonly number[];
  data: ArrayLike<number>;
}

/** tools/golden/attentions.py */
interface Golden {
  input_ids: number[][];
  attention_mask: number[][];
  pad: number;
  options: Record<string, number>;
  sequences: number[][];
  [tensors: string]: unknown;
}

const fixtures = join(import.meta.dirname, "../fixtures");
const file = process.env.ATTENTIONS_GOLDEN ?? join(fixtures, "decoding/attentions.json");
const golden: Record<string, Golden> = JSON.parse(readFileSync(file, "utf8"));
const kinds = ["attentions", "decoder_attentions", "cross_attentions", "encoder_attentions"];
const states = ["hidden_states", "decoder_hidden_states", "encoder_hidden_states"];

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

const open = (path: string, device: "reference" | "cpu") => {
  const auto = path.startsWith("encoder") ? AutoModelForSeq2SeqLM : AutoModelForCausalLM;
  return auto.fromPretrained(join(fixtures, path), { dtype: "float32", device });
};

/** Tensors of a result or a golden answer, with where they stand. */
function leaves(value: unknown, at: string): [string, Tensor][] {
  if (!Array.isArray(value)) return [[at, value as Tensor]];
  return value.flatMap((part, index) => leaves(part, `${at}[${index}]`));
}

test.each(Object.keys(golden))("%s: transformers' attentions and hidden states", async (name) => {
  const case_ = golden[name]!;
  const model = await open(name.split(" ")[0]!, "reference");
  const options = Object.fromEntries(Object.entries(case_.options).map(([key, value]) => [camelCase(key), value]));
  const result: GenerateResult = await model.generate({
    inputIds: case_.input_ids,
    attentionMask: case_.attention_mask,
    padTokenId: case_.pad,
    maxNewTokens: 4,
    minNewTokens: 4,
    doSample: false,
    ...options,
    outputAttentions: true,
    outputHiddenStates: true,
  });
  await model.dispose();
  expect(result.sequences).toEqual(case_.sequences);
  const given = result as unknown as Record<string, unknown>;
  for (const kind of [...kinds, ...states]) {
    expect(given[camelCase(kind)] === undefined, kind).toBe(case_[kind] === undefined);
    if (case_[kind] === undefined) continue;
    const got = leaves(given[camelCase(kind)], kind);
    const want = leaves(case_[kind], kind);
    expect(got.map(([at, { shape }]) => [at, shape])).toEqual(want.map(([at, { shape }]) => [at, shape]));
    want.forEach(([at, { shape, data }], index) => {
      const isPad = padsOf(case_, at, shape);
      const own = got[index]![1].data;
      if (states.includes(kind)) compareStates(at, shape, own, data, isPad);
      else compareShares(at, shape, own, data, isPad);
    });
  }
});

describe("the rows of", () => {
  const ids = [3, 7, 11, 9, 14, 20];
  const options = { inputIds: [ids], maxNewTokens: 4, minNewTokens: 4, doSample: false };
  const outputs = { outputAttentions: true, outputHiddenStates: true };
  let model: CausalLM;
  beforeAll(async () => {
    model = (await open("models/llama", "reference")) as CausalLM;
  });
  afterAll(() => model.dispose());

  /** What the last token of a sequence reads and is, in each layer. */
  async function last(tokens: number[]) {
    const { attentions, hiddenStates } = await model.generate({ inputIds: [tokens], maxNewTokens: 1, ...outputs });
    return {
      states: hiddenStates![0]!.map(({ data, shape }) => [...data.subarray(data.length - shape[2])]),
      shares: attentions![0]!.map(({ data, shape: [, heads, queries, keys] }) =>
        Array.from({ length: heads }, (_, head) => [
          ...data.subarray((head * queries + queries - 1) * keys, (head + 1) * queries * keys),
        ]),
      ),
    };
  }

  async function expectRow(result: GenerateResult, step: number, row: number, tokens: number[]) {
    const { states, shares } = await last(tokens);
    for (const [layer, expected] of states.entries()) {
      const { data, shape } = result.hiddenStates![step]![layer]!;
      expect([...data.subarray(row * shape[2], (row + 1) * shape[2])]).toEqual(
        expected.map((value) => expect.closeTo(value, 4)),
      );
    }
    for (const [layer, heads] of shares.entries()) {
      const { data, shape } = result.attentions![step]![layer]!;
      const size = shape[1] * shape[3];
      expect(shape.slice(1)).toEqual([heads.length, 1, tokens.length]);
      expect([...data.subarray(row * size, (row + 1) * size)]).toEqual(heads.flat().map((share) => expect.closeTo(share, 5)));
    }
  }

  test.each<[string, object]>([
    ["diverse beam search", { numBeams: 4, numBeamGroups: 2, diversityPenalty: 0.7, numReturnSequences: 3 }],
    ["constrained beam search", { numBeams: 3, forceWordsIds: [[31, 40]], numReturnSequences: 2 }],
    ["beam sampling", { numBeams: 3, doSample: true, seed: 5, numReturnSequences: 3 }],
  ])("%s are its beams", async (_, search) => {
    const result = await model.generate({ ...options, ...search, ...outputs });
    for (const [row, tokens] of result.sequences.entries()) {
      for (const step of [1, 2, 3]) {
        await expectRow(result, step, result.beamIndices![row]![step]!, tokens.slice(0, ids.length + step));
      }
    }
  });

  test("guidance are its own, not those of the negative prompt", async () => {
    const result = await model.generate({ ...options, guidanceScale: 1.7, negativePromptIds: [[5, 6]], ...outputs });
    for (const step of [1, 2, 3]) await expectRow(result, step, 0, result.sequences[0]!.slice(0, ids.length + step));
  });

  test("assisted generation are those of generation without drafts", async () => {
    // of one model, all drafts hold; of the other, few do
    for (const [name, hold] of [
      ["models/llama", true],
      ["models/mistral", false],
    ] as const) {
      const assistantModel = (await open(name, "reference")) as CausalLM;
      const long = { ...options, maxNewTokens: 12, minNewTokens: 12, ...outputs };
      const want = await model.generate(long);
      const got = await model.generate({ ...long, assistantModel });
      await assistantModel.dispose();
      expect(got.assisted!.drafted).toBeGreaterThan(0);
      expect(got.assisted!.accepted > 4).toBe(hold);
      expectSame(got, want);
    }
  });

  function expectSame(got: GenerateResult, want: GenerateResult) {
    expect(got.sequences).toEqual(want.sequences);
    for (const kind of ["hiddenStates", "attentions"] as const) {
      const [a, b] = [leaves(got[kind], kind), leaves(want[kind], kind)];
      expect(a.map(([, { shape }]) => shape)).toEqual(b.map(([, { shape }]) => shape));
      a.forEach(([at, { data }], index) => {
        const other = b[index]![1].data;
        for (let i = 0; i < data.length; i++) expect(Math.abs(data[i]! - other[i]!), at).toBeLessThan(1e-4);
      });
    }
  }

  test("copies share the prompt's, and then have their own", async () => {
    const result = await model.generate({ ...options, doSample: true, seed: 3, numReturnSequences: 2, ...outputs });
    const first = result.attentions![0]![0]!;
    expect(first.shape).toEqual([2, first.shape[1], ids.length, ids.length]);
    expect(first.data.slice(0, first.data.length / 2)).toEqual(first.data.slice(first.data.length / 2));
    for (const row of [0, 1]) await expectRow(result, 3, row, result.sequences[row]!.slice(0, ids.length + 3));
  });

  test("requests that were preempted are as if they had not been", async () => {
    const inputIds = Array.from({ length: 5 }, (_, row) => Array.from({ length: 9 }, (_, i) => 3 + ((row * 31 + i * 7) % 90)));
    const search = { ...options, ...outputs, inputIds, maxNewTokens: 24, minNewTokens: 24, numBeams: 2, numReturnSequences: 2 };
    const want = await model.generate(search);
    // 80 tokens: two searches begin, each of which grows to 58
    const small = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), {
      dtype: "float32",
      device: "reference",
      contextTokens: 64,
      cacheBytes: 20 * 1024,
    });
    const got = await small.generate(search);
    await small.dispose();
    expectSame(got, want);
  });

  test("a longer prompt: all that a token gives is one, and nothing goes to what stands behind it", async () => {
    const long = Array.from({ length: 70 }, (_, i) => 3 + ((i * 7) % 90));
    const { attentions } = await model.generate({ inputIds: [long], maxNewTokens: 2, minNewTokens: 2, ...outputs });
    const [whole, one] = attentions!.map((step) => step[0]!);
    expect(whole!.shape.slice(2)).toEqual([70, 70]);
    expect(one!.shape.slice(2)).toEqual([1, 71]);
    for (let query = 0; query < 70; query++) {
      const shares = whole!.data.subarray(query * 70, (query + 1) * 70);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(shares.subarray(query + 1).every((share) => share === 0)).toBe(true);
    }
  });
});

test("refused by name where they cannot be had", async () => {
  const on = { inputIds: [[5]], maxNewTokens: 2, outputAttentions: true };
  const refusal = "`outputAttentions` is not supported: ";
  const attends = 'only `device: "reference"` keeps what lies inside attention, and the model must attend';
  for (const [path, device] of [
    ["models/llama", "cpu"],
    ["encoder-decoder/t5", "cpu"],
    ["models/mamba", "reference"],
  ] as const) {
    const model = await open(path, device);
    await expect(model.generate(on)).rejects.toThrow(refusal + attends);
    model.generationConfig = { ...model.generationConfig, outputAttentions: true };
    expect((await model.generate({ ...on, outputAttentions: undefined })).attentions).toBeUndefined();
    await model.dispose();
  }
  const model = (await open("models/llama", "reference")) as CausalLM;
  await expect(model.generate({ ...on, penaltyAlpha: 0.6, topK: 4 })).rejects.toThrow(`${refusal}contrastive search`);
  expect(() => model.stream({ inputIds: [5], outputAttentions: true } as object)).toThrow("a stream gives one text");
  await model.dispose();
});

/** Whether a row's token is a pad. The prompt's mask counts in its first step, and for the encoder. */
function padsOf({ attention_mask, options }: Golden, at: string, shape: readonly number[]) {
  const ofDecoder = at.startsWith("decoder") || at.startsWith("cross");
  const isPrompt = at.startsWith("encoder") || (!ofDecoder && at.includes("[0]["));
  const copies = shape[0]! / attention_mask.length;
  if (options.num_beams && at.startsWith("encoder")) expect(copies).toBe(1);
  return (row: number, token: number) => isPrompt && attention_mask[Math.floor(row / copies)]![token] === 0;
}

function compareShares(
  at: string,
  [rows, heads, queries, keys]: readonly number[],
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  isPad: (row: number, token: number) => boolean,
) {
  for (let i = 0; i < want.length; i++) {
    const row = Math.floor(i / (heads! * queries! * keys!));
    const query = Math.floor(i / keys!) % queries!;
    const pad = isPad(row, query);
    if (!(Math.abs(got[i]! - (pad ? 0 : want[i]!)) < 2e-5)) {
      expect.fail(`${at}, row ${row} of ${rows}, query ${query}, key ${i % keys!}: ${got[i]}, not ${pad ? 0 : want[i]}`);
    }
  }
}

function compareStates(
  at: string,
  [, tokens, width]: readonly number[],
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  isPad: (row: number, token: number) => boolean,
) {
  for (let vector = 0; vector * 5 < want.length; vector++) {
    const values = Array.from({ length: width! }, (_, i) => got[vector * width! + i]!);
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    const where = `${at}, vector ${vector}`;
    if (isPad(Math.floor(vector / tokens!), vector % tokens!)) {
      expect(squares, where).toBe(0);
      continue;
    }
    const expected = want[vector * 5 + 4]!;
    for (let i = 0; i < 4; i++) {
      expect(Math.abs(values[i]! - want[vector * 5 + i]!) / Math.sqrt(expected / width!), where).toBeLessThan(1e-4);
    }
    expect(Math.abs(squares / expected - 1), where).toBeLessThan(1e-4);
  }
}
