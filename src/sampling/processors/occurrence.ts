import type { Processor } from "../processor.ts";

/** Adds to each new token's score what `change` gives for the number of times it came. The prompt does not count. */
export function byOccurrence(change: (count: number) => number, counts = new Map<number, number>()): Processor {
  return {
    steps() {
      if (counts.size === 0) return [];
      const tokens = Int32Array.from(counts.keys());
      return [{ kind: "edit", how: "add", tokens, values: Float32Array.from(counts.values(), change) }];
    },
    accept(token) {
      counts.set(token, (counts.get(token) ?? 0) + 1);
    },
    fork: () => byOccurrence(change, new Map(counts)),
  };
}
