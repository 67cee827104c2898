import { PieceQueue } from "./piece-queue.ts";
import type { StreamResult } from "./text-result.ts";

/** Pieces of one answer, and how it ended. It can be read once. */
export interface TextStream<Result = StreamResult> extends AsyncIterableIterator<string> {
  /** Settles when the answer has ended, also when nobody reads the pieces. */
  readonly result: Promise<Result>;
}

/**
 * A stream of what `produce` pushes, for models of your own. It starts with the first `next()`, or when `result` is asked
 * for; leaving the loop (`return()`, `throw()`) aborts `stop`, tells the end to all who wait, and waits for `produce`. What
 * `produce` throws, one reader of the pieces and `result` throw. Several may read: pieces go to them in the order of their
 * `next()`.
 *
 * @example
 * ```ts
 * const stream = createTextStream(async (push, stop) => {
 *   for (const word of ["once ", "upon ", "a time"]) if (!stop.aborted) push(word);
 *   return { finishReason: stop.aborted ? "abort" : "eos" };
 * });
 * for await (const piece of stream) console.log(piece);
 * console.log(await stream.result);
 * ```
 */
export function createTextStream<Result>(
  produce: (push: (piece: string) => void, stop: AbortSignal) => Promise<Result>,
): TextStream<Result> {
  const stop = new AbortController();
  const pieces = new PieceQueue();
  let running: Promise<Result> | undefined;
  const start = (): Promise<Result> => {
    if (running) return running;
    running = run(() => produce((piece) => pieces.push(piece), stop.signal));
    running.then(
      () => pieces.end(),
      (error: unknown) => pieces.end({ error }), // `next` throws it
    );
    return running;
  };
  const leave = async (): Promise<void> => {
    stop.abort(); // also for a `result` that is asked for only now
    pieces.close();
    await running?.catch(() => {});
  };
  return {
    get result() {
      return start();
    },
    async next() {
      if (!stop.signal.aborted) void start();
      return pieces.next();
    },
    async return() {
      await leave();
      return { done: true, value: undefined };
    },
    async throw(error: unknown) {
      await leave();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What a function throws before it gives a promise is a rejection too. */
async function run<Result>(produce: () => Promise<Result>): Promise<Result> {
  return produce();
}
