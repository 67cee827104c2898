import { TsumugiError } from "../../errors.ts";
import type { PickLogprobs, SamplingGroup, SamplingPicks } from "../../sampling/group.ts";

/** Words that the addon writes for a group: a status, rows, tokens and scores, then log probabilities. */
export function resultWords({ count, logprobs }: SamplingGroup, vocabularySize: number): number {
  return 1 + 3 * count + (logprobs === undefined ? 0 : count * (1 + 2 * Math.min(logprobs, vocabularySize)));
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
    if (logprobs === undefined) return picks;
    const n = count * Math.min(logprobs, vocabularySize);
    const found: PickLogprobs = { picked: reader.floats(count), tokens: reader.integers(n), values: reader.floats(n) };
    return { ...picks, logprobs: found };
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
