import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { Engine, type StepReport } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import type { Decoder } from "../../src/engine/request.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import type { Model } from "../../src/ops/program.ts";
import type { PickLogprobs } from "../../src/sampling/group.ts";
import { greedyDecoder } from "../helpers/greedy-decoder.ts";
import { type Golden, openFixture, readGolden } from "../helpers/run-model.ts";

const backends = [createReferenceBackend(), createCpuBackend()];
/** As many of the likeliest tokens as are asked for beside each prompt token. */
const most = 5;
/** float32 logits of two implementations differ in their last bits. */
const tolerance = 2e-5;

/** Log probabilities of one row of logits, in float64. */
function logSoftmax(logits: readonly number[]): number[] {
  const greatest = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value - greatest), 0));
  return logits.map((value) => value - greatest - total);
}

/** Greedy, and keeps what it is told of each prompt token, by the token's position. */
function scoringDecoder(maxLength: number) {
  const told = new Map<number, { score: number; logprobs: PickLogprobs }>();
  const chunks: number[] = [];
  const decoder: Decoder = {
    ...greedyDecoder(maxLength),
    promptGroups: ({ tokens }, start, count) => [
      {
        rows: Array.from({ length: count }, (_, row) => row),
        steps: Array.from({ length: count }, () => []),
        pick: "score",
        count,
        target: tokens.slice(start + 1, start + 1 + count),
        logprobs: most,
      },
    ],
    promptPicks: ([picks], _, start, count) => {
      chunks.push(count);
      const { picked, tokens, values } = picks!.logprobs!;
      for (let row = 0; row < count; row += 1) {
        const [from, to] = [row * most, (row + 1) * most];
        const logprobs = { picked: picked.slice(row, row + 1), tokens: tokens.slice(from, to), values: values.slice(from, to) };
        told.set(start + row + 1, { score: picks!.scores[row]!, logprobs });
      }
    },
  };
  return { decoder, told, chunks };
}

describe.each(backends.map((backend) => ({ name: backend.name, backend })))(
  "prompt log probabilities on $name",
  ({ backend }) => {
    let model: Model;
    let checkpoint: Checkpoint;
    let golden: Golden;
    beforeAll(async () => {
      ({ model, checkpoint } = await openFixture("llama"));
      golden = await readGolden("llama");
    });
    afterAll(() => checkpoint.close());

    it.each([
      { how: "in one step", limits: { maxTokens: 128, maxLogitRows: 64 }, from: 0, stepsInFlight: 1 },
      { how: "from a later token on", limits: { maxTokens: 128, maxLogitRows: 64 }, from: 3, stepsInFlight: 1 },
      { how: "in chunks of tokens", limits: { maxTokens: 5, maxLogitRows: 64 }, from: 0, stepsInFlight: 1 },
      { how: "in chunks of logit rows", limits: { maxTokens: 128, maxLogitRows: 3 }, from: 0, stepsInFlight: 1 },
      { how: "with two steps in flight", limits: { maxTokens: 5, maxLogitRows: 4 }, from: 2, stepsInFlight: 2 },
    ] as const)("are those of Python's forward logits: $how", async ({ how, limits: own, from, stepsInFlight }) => {
      const { input_ids: tokens, logits, argmax } = golden.forward;
      const { blockTokens } = backend;
      const limits = {
        ...engineLimits(model, { blockTokens, weights: "float32", contextTokens: 128, maxSequences: 3 }),
        ...own,
      };
      const reports: StepReport[] = [];
      const session = await backend.prepare(model, checkpoint, limits, { threads: 2 });
      const engine = new Engine({ model, session, limits, stepsInFlight, onStep: (report) => reports.push(report) });
      const maxLength = tokens.length + 4;
      const { decoder, told, chunks } = scoringDecoder(maxLength);
      const request = { sequences: [{ tokens }], decoder, maxLength, outputsFrom: from };
      // A neighbour without them shares the steps, and their logit rows.
      const neighbour = { sequences: [{ tokens: tokens.slice(0, 2) }], decoder: greedyDecoder(12), maxLength: 12 };
      const [result] = await Promise.all([engine.submit(request), engine.submit(neighbour)].map((handle) => handle.result));
      await engine.dispose();

      expect([...told.keys()]).toEqual(Array.from({ length: tokens.length - 1 - from }, (_, index) => from + 1 + index));
      for (const [position, { score, logprobs }] of told) {
        const expected = logSoftmax(logits[position - 1]!);
        const target = expected[tokens[position]!]!;
        expect(Math.abs(score - target)).toBeLessThan(tolerance);
        expect(Math.abs(logprobs.picked[0]! - target)).toBeLessThan(tolerance);
        const ranked = [...expected].sort((a, b) => b - a);
        expect(logprobs.tokens).toHaveLength(most);
        logprobs.tokens.forEach((token, rank) => {
          expect(Math.abs(logprobs.values[rank]! - expected[token]!)).toBeLessThan(tolerance);
          expect(Math.abs(logprobs.values[rank]! - ranked[rank]!)).toBeLessThan(tolerance);
        });
        expect(logprobs.tokens[0]).toBe(argmax[position - 1]);
      }
      expect(result!.sequences[0]!.tokens[tokens.length]).toBe(argmax.at(-1));
      expect(chunks.length > 1).toBe(how.includes("chunks") || how.includes("two"));
      expect(reports.every(({ logitRows }) => logitRows <= own.maxLogitRows)).toBe(true);
    });
  },
);
