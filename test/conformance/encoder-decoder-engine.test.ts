import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import { forkingDecoder, greedyDecoder } from "../helpers/greedy-decoder.ts";

const directory = join(import.meta.dirname, "../fixtures/encoder-decoder/t5");

interface Golden {
  greedy: { input_ids: number[]; new_ids: number[] }[];
}

/** Room for few blocks: requests wait, are preempted, and their encoder runs again. */
test.each([1, 2] as const)(
  "requests that take each other's blocks get the answers they get alone: %i in flight",
  async (steps) => {
    const backend = createReferenceBackend();
    const checkpoint = await openCheckpoint(directory);
    const model = await loadModel(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")), checkpoint);
    const { greedy } = JSON.parse(readFileSync(join(directory, "golden.json"), "utf8")) as Golden;
    const cases = [...greedy, ...greedy, ...greedy];
    const longest = Math.max(...greedy.map(({ input_ids }) => input_ids.length));
    const options = { blockTokens: backend.blockTokens, weights: "float32", maxSequences: 6, contextTokens: 64 } as const;
    const limits = engineLimits(model, { ...options, maxTokens: longest + 2 });
    const crossBlocks = Math.ceil(longest / backend.blockTokens);
    limits.blocks = { cache: 13, cross: 2 * crossBlocks };
    const session = await backend.prepare(model, checkpoint, limits);
    let preempted = 0;
    const engine: Engine = new Engine({
      model,
      session,
      limits,
      stepsInFlight: steps,
      onStep: (report) => {
        preempted += report.preempted;
        engine.checkIntegrity();
      },
    });
    try {
      const handles = cases.map(({ input_ids }) =>
        engine.submit({
          sequences: [{ tokens: [0], encoderTokens: input_ids }],
          decoder: greedyDecoder(25, [2]),
        }),
      );
      handles.push(engine.submit({ sequences: [{ tokens: [0], encoderTokens: [5] }], decoder: greedyDecoder(25, [2]) }));
      handles.at(-1)!.abort();
      // beams that fork and fall out share their encoder's blocks
      const [beams] = await Promise.all(
        greedy
          .map(({ input_ids }) =>
            engine.submit({
              sequences: [{ tokens: [0], encoderTokens: input_ids }],
              decoder: forkingDecoder(12, 3),
              gangSize: 3,
            }),
          )
          .map(({ result }) => result),
      );
      expect(beams!.sequences.filter(({ dropped }) => !dropped)).toHaveLength(3);
      const results = await Promise.all(handles.map(({ result }) => result));
      expect(results.slice(0, -1).map(({ sequences }) => sequences[0]!.tokens)).toEqual(cases.map(({ new_ids }) => new_ids));
      expect(results.at(-1)!.sequences[0]!.finishReason).toBe("abort");
      expect(preempted).toBeGreaterThan(0);
      for (const { used } of Object.values(engine.statistics().blocks)) expect(used).toBe(0);
      const tooLong = { tokens: [0], encoderTokens: new Array<number>(longest + 3).fill(5) };
      const refused = () => engine.submit({ sequences: [tooLong], decoder: greedyDecoder(2) });
      expect(refused).toThrow("encoder input");
      const without = () => engine.submit({ sequences: [{ tokens: [0] }], decoder: greedyDecoder(2) });
      expect(without).toThrow("encoderTokens");
    } finally {
      await engine.dispose();
      await checkpoint.close();
    }
  },
);
