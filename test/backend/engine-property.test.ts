import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Limits } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import type { Model } from "../../src/ops/program.ts";
import type { FloatDType } from "../../src/tensor/dtype.ts";
import { guessingDrafter } from "../helpers/guessing-drafter.ts";
import { difference, drawArrivals, requestOf, runInterleaved } from "../helpers/interleaving.ts";
import { fixtures } from "../helpers/run-model.ts";
import { seedCount } from "../helpers/seed-count.ts";
import { seeded } from "../helpers/seeded.ts";

/** Small checkpoints with full attention, a sliding window, learned positions, and slots beside blocks. */
const models = ["llama", "mistral", "gpt2", "lfm2"];
const kinds: { name: string; backend: () => Backend; dtype: FloatDType; seeds: number }[] = [
  { name: "reference", backend: createReferenceBackend, dtype: "float32", seeds: seedCount({ commit: 2, long: 10 }) },
  { name: "cpu", backend: createCpuBackend, dtype: "float32", seeds: seedCount({ commit: 5, long: 60 }) },
  { name: "cpu", backend: createCpuBackend, dtype: "bfloat16", seeds: seedCount({ commit: 5, long: 60 }) },
];
/** Longer than a block or two, so that pools run out and windows leave blocks behind. */
const lengths = [
  { longestPrompt: 80, mostNewTokens: 8 },
  { longestPrompt: 20, mostNewTokens: 70 },
];

for (const { name: kind, backend: create, dtype, seeds } of kinds) {
  describe.each(models)(`%s on ${kind} in ${dtype}`, (name) => {
    let checkpoint: Checkpoint;
    let model: Model;
    const backend = create();
    const prepare = (limits: Limits) => backend.prepare(model, checkpoint, limits, { threads: 2 });

    beforeAll(async () => {
      checkpoint = await openCheckpoint(join(fixtures, name));
      model = await loadModel(JSON.parse(await readFile(join(fixtures, name, "config.json"), "utf8")), checkpoint);
    });
    afterAll(() => checkpoint.close());

    it.each([{ drafts: false }, { drafts: true }])(
      "gives each of any interleaved requests the tokens it gets alone, and leaves no KV block behind (%o)",
      async ({ drafts }) => {
        const { blockTokens } = backend;
        const plenty = engineLimits(model, { blockTokens, weights: dtype, contextTokens: 128, maxSequences: 4 });
        const aloneEngine = new Engine({ model, session: await prepare(plenty), limits: plenty });
        let preempted = 0;
        let accepted = 0;
        for (let seed = 1; seed <= seeds; seed += 1) {
          const random = seeded(seed);
          const { vocabularySize } = model;
          const arrivals = drawArrivals(random, { vocabularySize, requests: random.integer(4, 9), ...random.pick(lengths) });
          const answers = await Promise.all(arrivals.map((arrival) => aloneEngine.submit(requestOf(arrival)).result));
          for (const [index, arrival] of arrivals.entries()) {
            const rows = answers[index]!.sequences.map(({ tokens }) => tokens);
            if (drafts && arrival.beams === 1) arrival.drafter = guessingDrafter(random, rows, vocabularySize);
          }
          const maxSequences = random.integer(3, 6);
          const maxTokens = maxSequences + random.pick([0, 5, 60]);
          // Three sequences of the greatest length fit, and little more.
          const limits = engineLimits(model, { blockTokens, weights: dtype, contextTokens: 100, maxSequences, maxTokens });
          for (const { name: state } of model.states) limits.blocks[state] = 3 * Math.ceil(100 / blockTokens);
          const { outcomes, reports } = await runInterleaved(model, await prepare(limits), limits, arrivals, {
            stepsInFlight: random.pick([1, 2] as const),
          });
          preempted += reports.reduce((sum, report) => sum + report.preempted, 0);
          accepted += reports.reduce((sum, report) => sum + report.accepted, 0);
          for (const [index, arrival] of arrivals.entries()) {
            const outcome = outcomes[index];
            if (!outcome) throw new Error(`seed ${seed}: request ${index} has no outcome`);
            const wrong = difference(outcome, answers[index]!, arrival);
            expect(wrong, `seed ${seed}, request ${index}`).toBeUndefined();
          }
        }
        await aloneEngine.dispose();
        if (name === "llama" && kind === "cpu" && !drafts) expect(preempted).toBeGreaterThan(0);
        if (drafts) expect(accepted).toBeGreaterThan(10);
      },
    );
  });
}
