import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Batch, Limits } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import type { Model } from "../../src/ops/program.ts";
import { relativeError } from "../helpers/run-model.ts";

const fixtures = join(import.meta.dirname, "../fixtures/encoder-decoder");
const names = readdirSync(fixtures);

interface Golden {
  forward: { input_ids: number[]; decoder_input_ids: number[]; logits: number[][] };
}

/** Tokens computed … computed + size of one sequence, with the encoder's input in blocks of its own. */
function batchOf(
  model: Model,
  blockTokens: number,
  tokens: readonly number[],
  computed: number,
  size: number,
  cross: number,
): Batch {
  return {
    tokenIds: Int32Array.from(tokens.slice(computed, computed + size)),
    positions: Int32Array.from({ length: size }, (_, i) => computed + i),
    sequenceStart: Int32Array.of(0, size),
    promptLength: Int32Array.of(tokens.length),
    logitRows: Int32Array.from({ length: size }, (_, i) => i),
    states: model.states.map(({ kind }) => {
      const length = kind === "cross" ? cross : computed + size;
      const entries = Math.ceil(length / blockTokens);
      return {
        tableStart: Int32Array.of(0, entries),
        table: Int32Array.from({ length: entries }, (_, i) => 31 - i),
        length: Int32Array.of(length),
      };
    }),
    copies: [],
  };
}

const backends = { reference: createReferenceBackend, cpu: createCpuBackend };

describe.each(names)("%s", (name) => {
  const directory = join(fixtures, name);
  const { forward } = JSON.parse(readFileSync(join(directory, "golden.json"), "utf8")) as Golden;

  test.each([
    ["reference", "whole", [forward.decoder_input_ids.length]],
    ["reference", "token by token", forward.decoder_input_ids.map(() => 1)],
    ["cpu", "whole", [forward.decoder_input_ids.length]],
    ["cpu", "token by token", forward.decoder_input_ids.map(() => 1)],
  ] as const)("gives transformers' logits on %s, %s", async (device, _, chunks) => {
    const backend = backends[device]();
    const checkpoint = await openCheckpoint(directory);
    const model = await loadModel(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")), checkpoint);
    const limits: Limits = {
      maxTokens: 80,
      maxSequences: 1,
      maxLogitRows: 80,
      blocks: Object.fromEntries(model.states.map((state) => [state.name, 32])),
      weights: "float32",
      activation: "float32",
      cache: "float32",
      taps: [],
    };
    const session = await backend.prepare(model, checkpoint, limits, { threads: 1 });
    try {
      const { input_ids: inputs, decoder_input_ids: tokens } = forward;
      const encoded = session.run(batchOf(model, session.blockTokens, inputs, 0, inputs.length, inputs.length), "encode");
      await session.sample(encoded, []);
      session.release(encoded);
      const rows: Float32Array[] = [];
      for (const size of chunks) {
        const computed = rows.length;
        const step = session.run(batchOf(model, session.blockTokens, tokens, computed, size, inputs.length));
        for (let row = 0; row < size; row++) rows.push(await session.read(step, "logits", [row]));
        session.release(step);
      }
      const error = relativeError(rows, forward.logits);
      if (process.env.TSUMUGI_SHOW_ERRORS) console.log(`${name} on ${device}: ${error.toExponential(2)}`);
      expect(error).toBeLessThan(1e-4);
    } finally {
      await session.dispose();
      await checkpoint.close();
    }
  });
});
