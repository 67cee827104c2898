import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import type { Backend } from "../../src/backends/backend.ts";
import { chunkedLogits, fixtures, readGolden, relativeError, runFixture } from "./run-model.ts";

/** The golden checkpoints, sorted. */
export const fixtureNames: readonly string[] = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const ways: [string, (length: number) => number[]][] = [
  ["in one batch", (length) => [length]],
  ["in chunks", (length) => [5, 1, 6, length - 12]],
  ["token by token", (length) => Array<number>(length).fill(1)],
];

/**
 * Declares the tests of one checkpoint: float32 logits of every position within 1e-4 of transformers', relative to the
 * largest logit. TSUMUGI_SHOW_ERRORS prints what was measured.
 */
export function logitsCases(backend: () => Backend, name: string, label: () => string): void {
  it.each(ways)("gives transformers' logits %s", async (way, chunksOf) => {
    const { forward } = await readGolden(name);
    const running = await runFixture(backend(), name);
    try {
      const logits = await chunkedLogits(running, forward.input_ids, chunksOf(forward.input_ids.length));
      const error = relativeError(logits, forward.logits);
      if (process.env.TSUMUGI_SHOW_ERRORS) console.log(`${label()} ${name} ${way}: ${error.toExponential(2)}`);
      expect(error).toBeLessThan(1e-4);
    } finally {
      await running.dispose();
    }
  });
}
