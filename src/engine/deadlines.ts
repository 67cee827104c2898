import type { ActiveRequest } from "./active-request.ts";

/** A timer for longer fires at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * The requests that a deadline hangs over. Steps look at them as they come; while the engine rests and they wait for
 * something (a draft, or the place of one that waits for its draft), one timer wakes it at the nearest of them.
 */
export class Deadlines {
  readonly #requests = new Set<ActiveRequest>();
  readonly #now: () => number;
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param now the clock of the deadlines, in milliseconds */
  constructor(now: () => number, wake: () => void) {
    this.#now = now;
    this.#wake = wake;
  }

  add(request: ActiveRequest): void {
    if (request.deadline !== undefined) this.#requests.add(request);
  }

  delete(request: ActiveRequest): void {
    this.#requests.delete(request);
    if (this.#requests.size === 0) this.stopTimer();
  }

  /** Requests whose deadline has passed. */
  passed(): ActiveRequest[] {
    if (this.#requests.size === 0) return [];
    const now = this.#now();
    return [...this.#requests].filter(({ deadline = Number.POSITIVE_INFINITY }) => now >= deadline);
  }

  /** The engine rests. The timer lives as long as it does, and no longer than the last of the requests. */
  startTimer(): void {
    this.stopTimer();
    let nearest = Number.POSITIVE_INFINITY;
    for (const { deadline = nearest } of this.#requests) nearest = Math.min(nearest, deadline);
    if (nearest === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(longestTimer, Math.max(1, Math.ceil(nearest - this.#now())));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, delay);
  }

  stopTimer(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
