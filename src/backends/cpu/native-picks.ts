import { TsumugiError } from "../../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";

/** Words that the addon writes for a group: a status, rows, tokens and scores, then log probabilities, then reports. */
export function resultWords({ count, logprobs, report = 0, steps }: SamplingGroup, vocabularySize: number): number {
  const followed = Math.min(report, vocabularySize);
  const reports = followed === 0 ? 0 : steps.reduce((sum, list) => sum + (3 + list.length) * followed, 0);
  return 1 + 3 * count + (logprobs === undefined ? 0 : count * (1 + 2 * Math.min(logprobs, vocabularySize))) + reports;
}

/** How a group ended that could not be drawn from, as native/include/sample.h numbers it. */
const reasons: { [status: number]: string } = { 1: "every token is masked", 2: "the logits contain NaN or infinity" };

/**
 * The picks of groups, which the addon has written one behind the other.
 *
 * @throws `invalid_probabilities`
 */
export function readPicks(out: Int32Array, groups: readonly SamplingGroup[], vocabularySize: number): SamplingPicks[] {
  let at = 0;
  return groups.map((group) => {
    const { count, logprobs } = group;
    const reason = reasons[out[at]!];
    if (reason) throw new TsumugiError("invalid_probabilities", { reason });
    const reader = new Reader(out, at + 1);
    at += resultWords(group, vocabularySize);
    const picks: SamplingPicks = { rows: reader.integers(count), tokens: reader.integers(count), scores: reader.floats(count) };
    if (logprobs !== undefined) {
      const n = count * Math.min(logprobs, vocabularySize);
      picks.logprobs = { picked: reader.floats(count), tokens: reader.integers(n), values: reader.floats(n) };
    }
    if (group.report !== undefined) {
      const n = Math.min(group.report, vocabularySize);
      picks.report = group.steps.map((list) => ({
        tokens: reader.integers(n),
        removedBy: reader.integers(n),
        scores: reader.floats((list.length + 1) * n),
      }));
    }
    return picks;
  });
}

/** Takes views of words, one behind the other. */
class Reader {
  readonly #words: Int32Array;
  #next: number;

  constructor(words: Int32Array, first: number) {
    this.#words = words;
    this.#next = first;
  }

  integers(count: number): Int32Array {
    const first = this.#next;
    this.#next += count;
    return this.#words.subarray(first, this.#next);
  }

  floats(count: number): Float32Array {
    const { buffer, byteOffset } = this.integers(count);
    return new Float32Array(buffer, byteOffset, count);
  }
}
