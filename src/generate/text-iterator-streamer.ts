import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkIsOptions } from "../util/option-types.ts";
import { PieceQueue } from "./piece-queue.ts";
import { TextStreamer, type TextStreamerOptions } from "./text-streamer.ts";

/** Options of `TextIteratorStreamer`. */
export interface TextIteratorStreamerOptions extends Omit<TextStreamerOptions, "onText"> {
  /** Longest wait for the next piece, in milliseconds; then `stream_timeout` is thrown. Default: none. */
  timeout?: number | undefined;
}

/**
 * Text as an async iterator, for loops beside a running `generate`.
 *
 * Pieces are whole characters (`flush: "character"`), safe for Japanese; `flush: "word"` gives transformers' pieces.
 * Empty pieces are left out. Leaving the loop early does not stop the generation: pass a `signal` to `generate` for that.
 *
 * @example
 * ```ts
 * const streamer = new TextIteratorStreamer(tokenizer, { skipPrompt: true });
 * const done = model.generate({ ...tokenizer("Hello"), streamer });
 * for await (const piece of streamer) process.stdout.write(piece);
 * await done;
 * ```
 */
export class TextIteratorStreamer extends TextStreamer implements AsyncIterableIterator<string> {
  /** A queue for each generation: the first is read, the last is written. */
  #generations: PieceQueue[] = [new PieceQueue()];
  readonly #timeout: number | undefined;

  constructor(tokenizer: Tokenizer, options: TextIteratorStreamerOptions = {}) {
    checkIsOptions(options);
    if ("onText" in options && options.onText !== undefined) {
      throw new TsumugiError("unsupported_option", { option: "onText", reason: "the pieces come out of the iterator" });
    }
    super(tokenizer, { flush: "character", ...options }, ["timeout"]);
    const { timeout } = options;
    if (timeout !== undefined && !(Number.isFinite(timeout) && timeout > 0))
      throw new TsumugiError("invalid_option", { option: "timeout", expected: "milliseconds above 0", given: timeout });
    this.#timeout = timeout;
  }

  /** A generation begins: what `generate` calls first. A failure of an earlier one that nobody has read is forgotten. */
  begin(): void {
    this.#generations = this.#generations.filter((queue) => !queue.hasFailure);
    if (this.#generations.at(-1)?.hasEnded ?? true) this.#generations.push(new PieceQueue());
  }

  /** Ends the iteration with an error: what `generate` calls when it fails, so that no loop waits for ever. */
  fail(error: unknown): void {
    if (this.#written().hasEnded) this.#generations.push(new PieceQueue());
    this.#written().end({ error });
  }

  /** The next piece. Several may wait: they are answered in the order in which they asked. */
  async next(): Promise<IteratorResult<string>> {
    this.#forgetSpent();
    return this.#generations[0]!.next(this.#timeout);
  }

  /** Where a generation has been read to its end, a loop waits for the next one. */
  [Symbol.asyncIterator](): this {
    if (this.#generations.length === 1 && this.#generations[0]!.isSpent) this.#generations.push(new PieceQueue());
    return this;
  }

  protected override onFinalizedText(text: string, streamEnd: boolean): void {
    if (this.#written().hasEnded) {
      if (streamEnd && text === "") return; // ended twice
      this.#generations.push(new PieceQueue());
    }
    if (text !== "") this.#written().push(text);
    if (streamEnd) this.#written().end();
  }

  #written(): PieceQueue {
    return this.#generations.at(-1)!;
  }

  #forgetSpent(): void {
    while (this.#generations.length > 1 && this.#generations[0]!.isSpent) this.#generations.shift();
  }
}
