import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { chunkedLogits, fixtures, readGolden, relativeError, runFixture } from "../helpers/run-model.ts";

const names = readdirSync(fixtures).sort();

describe.each(names)("%s on the reference backend", (name) => {
  it.each([
    ["in one batch", (length: number) => [length]],
    ["in chunks", (length: number) => [5, 1, 6, length - 12]],
    ["token by token", (length: number) => Array<number>(length).fill(1)],
  ])("gives transformers' logits %s", async (_, chunksOf) => {
    const { forward } = await readGolden(name);
    const running = await runFixture(createReferenceBackend(), name);
    try {
      const logits = await chunkedLogits(running, forward.input_ids, chunksOf(forward.input_ids.length));
      const error = relativeError(logits, forward.logits);
      if (process.env.TSUMUGI_SHOW_ERRORS) console.log(`reference ${name}: ${error.toExponential(2)}`);
      expect(error).toBeLessThan(1e-4);
    } finally {
      await running.dispose();
    }
  });
});
