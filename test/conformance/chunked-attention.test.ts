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
import { fixtures } from "../helpers/run-model.ts";

interface Golden {
  greedy: { input_ids: number[]; new_ids: number[] }[];
  batch: { input_ids: number[][]; attention_mask: number[][]; new_ids: number[][] };
}

const backends = { reference: createReferenceBackend, cpu: createCpuBackend };

/** Tokens of one step, few enough that chunks of prompts and of attention do not meet; and blocks for one and a bit. */
const rooms = [
  { maxSequences: 3, maxTokens: 7 },
  { maxSequences: 8, maxTokens: 50 },
  { maxSequences: 8, maxTokens: 24, tight: true },
];

for (const [device, create] of Object.entries(backends)) {
  for (const name of ["llama4_text", "llama4_text_long"]) {
    test.each(rooms)(`${name} on ${device}: prompts in parts, neighbours and preemption change no token (%o)`, async (room) => {
      const directory = join(fixtures, name);
      const golden = JSON.parse(await readFile(join(directory, "golden.json"), "utf8")) as Golden;
      const checkpoint = await openCheckpoint(directory);
      const model = await loadModel(JSON.parse(await readFile(join(directory, "config.json"), "utf8")), checkpoint);
      const { blockTokens } = create();
      const { maxSequences, maxTokens, tight } = room;
      const limits = engineLimits(model, { blockTokens, weights: "float32", contextTokens: 128, maxSequences, maxTokens });
      const states = Object.fromEntries(model.states.map(({ name: state, window }) => [state, window]));
      const chunk = name === "llama4_text" ? 8 : 33;
      expect(states).toEqual({ cache: undefined, [`cache_window_${chunk}`]: chunk });
      if (tight) limits.blocks.cache = Math.ceil(128 / blockTokens);
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
      // rows alone, and the same rows as they stand in a padded batch, whose pads count in the temperature
      const rows = [
        ...golden.greedy.map(({ input_ids, new_ids }) => ({ tokens: input_ids, padding: 0, want: new_ids })),
        ...golden.batch.input_ids.map((ids, row) => {
          const tokens = ids.filter((_, place) => golden.batch.attention_mask[row]![place] === 1);
          return { tokens, padding: ids.length - tokens.length, want: golden.batch.new_ids[row]! };
        }),
      ];
      const answers = await Promise.all(
        rows.map(({ tokens, padding, want }) => {
          const maxLength = tokens.length + want.length;
          return engine.submit({ sequences: [{ tokens, padding }], decoder: greedyDecoder(maxLength), maxLength }).result;
        }),
      );
      answers.forEach(({ sequences }, index) => {
        const { tokens, want } = rows[index]!;
        expect(sequences[0]!.tokens.slice(tokens.length)).toEqual(want);
      });
      if (tight) expect(preempted).toBeGreaterThan(0);
      await engine.dispose();
      await checkpoint.close();
    });
  }
}
