import type { Session } from "../backends/backend.ts";
import type { BlockPool } from "../cache/block-pool.ts";

/** Milliseconds of rest after which memory is given back: much longer than a chat's pauses cost to fill it again. */
const patience = 10_000;

/** Gives the cache's memory back when the engine has rested for a while and no block holds anything. */
export class IdleMemory {
  readonly #session: Session;
  readonly #pools: readonly BlockPool[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, pools: readonly BlockPool[]) {
    this.#session = session;
    this.#pools = pools;
  }

  /** The engine rests. The timer keeps no process alive. */
  startTimer(): void {
    this.stopTimer();
    if (!this.#session.trim) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#pools.every(({ free, capacity }) => free === capacity)) this.#session.trim?.();
    }, patience);
    if (typeof this.#timer === "object") this.#timer.unref();
  }

  stopTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
