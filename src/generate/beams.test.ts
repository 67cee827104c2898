import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";

const prompt = [1, 22, 41, 55, 96];
let model: CausalLM;

beforeAll(async () => {
  setWarningHandler(() => {});
  const directory = join(import.meta.dirname, "../../test/fixtures/models/llama");
  model = await AutoModelForCausalLM.fromPretrained(directory, { device: "reference", dtype: "float32" });
});
afterAll(async () => {
  setWarningHandler();
  await model.dispose();
});

describe("searches over beams", () => {
  test("an abort rejects with the best rows so far", async () => {
    const controller = new AbortController();
    let asked = 0;
    const stoppingCriteria = [
      () => {
        asked++;
        if (asked === 20) controller.abort(new Error("enough"));
        return false;
      },
    ];
    const { signal } = controller;
    const call = model.generate({
      inputIds: [prompt],
      numBeams: 3,
      maxNewTokens: 40,
      eosTokenId: null,
      stoppingCriteria,
      signal,
    });
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(TsumugiError.isInstance(error) && error.code).toBe("aborted");
    const { sequences } = (error as TsumugiError).details as { sequences: number[][] };
    expect(sequences[0]!.length).toBeGreaterThan(prompt.length);
    expect(sequences[0]!.length).toBeLessThan(prompt.length + 40);
    const after = await model.generate({ inputIds: [prompt], numBeams: 2, maxNewTokens: 3, eosTokenId: null });
    expect(after.sequences[0]).toHaveLength(prompt.length + 3);
  });

  test("when time is up the best rows of the moment come back", async () => {
    const { sequences, finishReasons } = await model.generate({
      inputIds: [prompt, prompt],
      numBeams: 4,
      numReturnSequences: 4,
      maxNewTokens: 200,
      eosTokenId: null,
      maxTime: 0.02,
    });
    expect(new Set(finishReasons)).toEqual(new Set(["time"]));
    expect(sequences).toHaveLength(8);
    for (const row of sequences) expect(row.length).toBeLessThan(prompt.length + 200);
  });

  test.each([{ numBeams: 3 }, { penaltyAlpha: 0.6, topK: 4 }])("stopping criteria end rows: %j", async (options) => {
    const free = await model.generate({ inputIds: [prompt], maxNewTokens: 8, eosTokenId: null, ...options });
    const end = free.sequences[0]![prompt.length + 3]!;
    const stoppingCriteria = [(ids: readonly number[]) => ids.length > prompt.length && ids.at(-1) === end];
    const made: number[] = [];
    const { sequences, finishReasons } = await model.generate({
      inputIds: [prompt],
      maxNewTokens: 8,
      eosTokenId: null,
      earlyStopping: true,
      stoppingCriteria,
      ...options,
      onToken: ({ token }) => made.push(token),
    });
    expect(finishReasons).toEqual(["stop"]);
    expect(sequences[0]!.at(-1)).toBe(end);
    expect(sequences[0]!.slice(prompt.length)).toEqual(made);
  });

  test("a row of constraints holds them all, in batches too", async () => {
    const forceWordsIds = [
      [7, 8],
      [[9], [10, 11]],
    ];
    const inputIds = [prompt, prompt.map((token) => token + 1)];
    const options = { numBeams: 4, maxNewTokens: 12, eosTokenId: null, forceWordsIds };
    const { sequences } = await model.generate({ inputIds, ...options });
    for (const row of sequences) {
      const text = ` ${row.slice(prompt.length).join(" ")} `;
      expect(text).toContain(" 7 8 ");
      expect(text).toMatch(/ 9 | 10 11 /);
    }
  });

  test("beam scores are the sum of the transitions' scores", async () => {
    const options = {
      numBeams: 3,
      numReturnSequences: 2,
      maxNewTokens: 6,
      eosTokenId: null,
      outputScores: true,
      lengthPenalty: 0.5,
    };
    const { sequences, scores, beamIndices, sequencesScores } = await model.generate({ inputIds: [prompt], ...options });
    const transitions = model.computeTransitionScores(sequences, scores!, beamIndices);
    transitions.forEach((row, index) => {
      const sum = Array.from(row).reduce((total, score) => total + score, 0);
      expect(sum / 6 ** 0.5).toBeCloseTo(sequencesScores![index]!, 3);
    });
  });
});
