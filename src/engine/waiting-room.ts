import { TsumugiError } from "../errors.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { Schedule } from "./schedule.ts";

/** The requests that wait for a place: how many there may be, and who has been told. */
export class WaitingRoom {
  readonly #schedule: Schedule<ActiveRequest>;
  readonly #limit: number;

  /**
   * @param limit the most requests that may wait for a place. Default: no bound.
   * @throws `invalid_option` for a limit that is not an integer of at least 0
   */
  constructor(schedule: Schedule<ActiveRequest>, limit = Number.POSITIVE_INFINITY) {
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isInteger(limit) && limit >= 0)) {
      throw new TsumugiError("invalid_option", { option: "maxWaiting", expected: "an integer of at least 0", given: limit });
    }
    this.#schedule = schedule;
    this.#limit = limit;
  }

  /** Throws `queue_full` for a request of so many sequences that would have to wait, when as many wait as may. */
  assertRoom(size: number): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    const { waiting, places, limits, running } = this.#schedule;
    // Requests of one tick are all in the queue, also those that the next step has places for: these do not count.
    let taken = places;
    let waits = 0;
    for (const gang of waiting) {
      taken += gang.size;
      if (taken > limits.maxSequences) waits += 1;
    }
    if (waits < this.#limit || taken + size <= limits.maxSequences) return;
    throw new TsumugiError("queue_full", {
      limit: this.#limit,
      waiting: waits,
      running: running.length + waiting.length - waits,
    });
  }

  /** Calls `onWait` of those that have begun to wait since the last call. */
  tellWaiting(): void {
    const told = this.#schedule.waiting.filter(({ onWait, knowsItWaits }) => onWait && !knowsItWaits);
    for (const request of told) {
      request.knowsItWaits = true;
      request.onWait?.();
    }
  }
}
