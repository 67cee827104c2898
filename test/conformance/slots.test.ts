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

/** Sequences at once, slots, and tokens of one step: few enough that chunks interleave, or that requests give theirs up. */
const rooms = [
  { maxSequences: 4, maxTokens: 5 },
  { maxSequences: 2, maxTokens: 64 },
  { maxSequences: 4, maxTokens: 16, blocks: 1.3 },
];

for (const [device, create] of Object.entries(backends)) {
  test.each(rooms)(`slots beside blocks on ${device}: chunks, neighbours and preemption change no token (%o)`, async (room) => {
    const directory = join(fixtures, "lfm2");
    const { greedy } = await readGolden("lfm2");
    const checkpoint = await openCheckpoint(directory);
    const model = await loadModel(JSON.parse(await readFile(join(directory, "config.json"), "utf8")), checkpoint);
    const { blockTokens } = create();
    const { maxSequences, maxTokens, blocks } = room;
    const limits = engineLimits(model, { blockTokens, weights: "float32", contextTokens: 64, maxSequences, maxTokens });
    expect(limits.blocks.slots).toBe(maxSequences);
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
    expect(engine.statistics().blocks.slots).toEqual({ used: 0, free: maxSequences });
    await engine.dispose();
    await checkpoint.close();
  });
}
