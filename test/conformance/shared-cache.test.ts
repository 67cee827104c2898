import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import { greedyDecoder } from "../helpers/greedy-decoder.ts";
import { fixtures, readGolden } from "../helpers/run-model.ts";

const backends = { reference: createReferenceBackend, cpu: createCpuBackend };

/** Tokens of one step, few enough that prompts come in parts; and blocks of the cache without a window for one and a bit. */
const rooms = [
  { maxSequences: 4, maxTokens: 5 },
  { maxSequences: 2, maxTokens: 64 },
  { maxSequences: 4, maxTokens: 16, blocks: 1.3 },
];

for (const [device, create] of Object.entries(backends)) {
  for (const name of ["gemma4_text", "gemma3n_text"]) {
    test.each(rooms)(`${name} on ${device}: layers read what others stored, whatever stands beside (%o)`, async (room) => {
      const directory = join(fixtures, name);
      const { greedy } = await readGolden(name);
      const checkpoint = await openCheckpoint(directory);
      const model = await loadModel(JSON.parse(await readFile(join(directory, "config.json"), "utf8")), checkpoint);
      // six layers, the last two without keys and values of their own
      expect(model.states.map(({ window, parts }) => [window, parts.length])).toEqual([
        [8, 4],
        [undefined, 4],
      ]);
      const { blockTokens } = create();
      const { maxSequences, maxTokens, blocks } = room;
      const limits = engineLimits(model, { blockTokens, weights: "float32", contextTokens: 64, maxSequences, maxTokens });
      if (blocks !== undefined) limits.blocks.cache = Math.ceil((blocks * 48) / blockTokens);
      const session = await create().prepare(model, checkpoint, limits, { threads: 2 });
      let preempted = 0;
      const engine = new Engine({
        model,
        session,
        limits,
        onStep: (step) => {
          preempted += step.preempted;
          engine.checkIntegrity();
        },
      });
      const answers = await Promise.all(
        greedy.map(({ input_ids: tokens, new_ids }) => {
          const length = tokens.length + new_ids.length;
          return engine.submit({ sequences: [{ tokens }], decoder: greedyDecoder(length), maxLength: length }).result;
        }),
      );
      answers.forEach(({ sequences }, index) => {
        const { input_ids, new_ids } = greedy[index]!;
        expect(sequences[0]!.tokens.slice(input_ids.length)).toEqual(new_ids);
      });
      if (blocks !== undefined) expect(preempted).toBeGreaterThan(0);
      await engine.dispose();
      await checkpoint.close();
    });
  }
}
