import { TsumugiError } from "../errors.ts";

/**
 * Watches what callbacks of the caller give. One that is declared to give nothing may still be async: its rejection must fail
 * the call that it belongs to, and never end the process as a rejection that nobody handles.
 */
export class CallbackGuard {
  readonly #onFailure: (() => void) | undefined;
  #pending = 0;
  #failure: { error: unknown } | undefined;
  #settled: (() => void) | undefined;

  /** `onFailure`: called at the first rejection, so that work which is in vain can end. */
  constructor(onFailure?: () => void) {
    this.#onFailure = onFailure;
  }

  /** Takes what a callback has given; a promise is waited for by `settle`. */
  take(given: unknown): void {
    if (!isThenable(given)) return;
    this.#pending++;
    Promise.resolve(given).then(
      () => this.#end(),
      (error: unknown) => {
        if (!this.#failure) {
          this.#failure = { error };
          this.#onFailure?.();
        }
        this.#end();
      },
    );
  }

  /** Throws what a promise has been rejected with so far. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all promises, and throws what the first of them was rejected with. */
  async settle(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#settled = resolve));
    this.check();
  }

  /** A callback that is watched. Once a promise has been rejected, the next call throws its error. */
  wrap<Given extends unknown[]>(callback: ((...given: Given) => unknown) | undefined): ((...given: Given) => void) | undefined {
    if (!callback) return undefined;
    return (...given) => {
      this.check();
      this.take(callback(...given));
    };
  }

  #end(): void {
    this.#pending--;
    if (this.#pending === 0) this.#settled?.();
  }
}

/** Options with a callback that hears of progress. */
interface WithProgress<Event> {
  onProgress?: ((event: Event) => void) | undefined;
}

/**
 * Work whose `onProgress` is watched: what it throws, or what its promise is rejected with, fails the work. `undo`: frees what was
 * made before that was known.
 */
export async function withWatchedProgress<Event, Result>(
  { onProgress }: WithProgress<Event>,
  work: (watched: WithProgress<Event>) => Promise<Result>,
  undo: (result: Result) => Promise<unknown> = async () => {},
): Promise<Result> {
  if (!onProgress) return work({});
  const guard = new CallbackGuard();
  const result = await work({ onProgress: guard.wrap(onProgress) });
  try {
    await guard.settle();
  } catch (error) {
    await undo(result);
    throw error;
  }
  return result;
}

/** Whether a callback has given a promise, of whatever library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** Refuses the promise of an async callback whose answer is needed at once. What it is rejected with is not heard of. */
export function refusePromise(given: unknown, option: string, expected: string): void {
  if (!isThenable(given)) return;
  given.then(undefined, () => {});
  throw new TsumugiError("invalid_option", { option, expected, found: "a promise" });
}
