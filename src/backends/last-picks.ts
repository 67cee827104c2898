import type { SamplingPicks } from "../sampling/group.ts";
import type { Batch, Step } from "./backend.ts";

/** Tokens that were picked from a step, in the order of its groups. */
type Picks = Promise<readonly number[]>;

/**
 * Keeps what was picked from the newest decode step, so that the next one may be queued before that is known: token id
 * −1 − g of its batch is pick g. Only the first `sample` of a step counts: a later one numbers its picks anew.
 */
export class LastPicks {
  #step: Step | undefined;
  #picks: Picks | undefined;

  /** A decode step is queued, and its picks are kept from now on. Gives those of the step before, where they are being made. */
  follow(step: Step): Picks | undefined {
    const before = this.#picks;
    this.#step = step;
    this.#picks = undefined;
    return before;
  }

  /** Picks are being made from a step. */
  keep(step: Step, picks: Promise<readonly SamplingPicks[]>): void {
    if (step !== this.#step || this.#picks) return;
    this.#picks = picks.then((groups) => groups.flatMap(({ tokens }) => [...tokens]));
    this.#picks.catch(() => {}); // it belongs to `sample`, and to a step that takes these picks
  }
}

/** Whether a batch has tokens that are picks of the step before. */
export function takesPicks({ tokenIds }: Batch): boolean {
  return tokenIds.some((id) => id < 0);
}

/** The batch with the picks themselves in place of their numbers. Numbers that no pick has stay as they are, for `checkBatch`. */
export function withPicks(batch: Batch, picks: readonly number[]): Batch {
  return { ...batch, tokenIds: batch.tokenIds.map((id) => (id < 0 ? (picks[-1 - id] ?? id) : id)) };
}
