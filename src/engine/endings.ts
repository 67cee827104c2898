import type { ActiveRequest } from "./active-request.ts";
import type { Deadlines } from "./deadlines.ts";
import type { FinishReason } from "./request.ts";
import type { Scheduler } from "./scheduler.ts";

/** Ends requests, each exactly once: its caller hears of it, its drafter too, and its blocks are freed. */
export class Endings {
  readonly #scheduler: Scheduler<ActiveRequest>;
  readonly #deadlines: Deadlines;
  readonly #now: () => number;
  readonly #wake: () => void;

  /** @param wake called when the end of a request may be what another one waits for */
  constructor(scheduler: Scheduler<ActiveRequest>, deadlines: Deadlines, now: () => number, wake: () => void) {
    this.#scheduler = scheduler;
    this.#deadlines = deadlines;
    this.#now = now;
    this.#wake = wake;
  }

  /** Ends whatever of a request still lives, for one reason. Nothing happens to one that has ended. */
  finish(request: ActiveRequest, reason: FinishReason): void {
    if (request.status === "ended") return;
    request.finishLive(reason);
    this.complete(request);
  }

  /** Ends a request whose sequences all have a reason. */
  complete(request: ActiveRequest): void {
    // First the answer: it is true even where freeing the blocks fails.
    request.complete(this.#now());
    this.#forget(request);
    this.#scheduler.remove(request);
  }

  /** Ends a request with an error. */
  fail(request: ActiveRequest, error: unknown): void {
    request.fail(error);
    this.#forget(request);
    // Gangs that outgrew the cache have been removed by the scheduler.
    if (request.status !== "ended") this.#scheduler.remove(request);
  }

  #forget(request: ActiveRequest): void {
    this.#deadlines.delete(request);
    for (const sequence of request.live) request.drafter?.end?.(sequence);
    if (this.#scheduler.waiting.length > 0) this.#wake();
  }
}
