import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkIsOptions } from "../util/option-types.ts";
import { TextStreamer, type TextStreamerOptions } from "./text-streamer.ts";

/** Options of `TextIteratorStreamer`. */
export interface TextIteratorStreamerOptions extends Omit<TextStreamerOptions, "onText"> {
  /** Longest wait for the next piece, in milliseconds; then `stream_timeout` is thrown. Default: none. */
  timeout?: number;
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
  readonly #pieces: string[] = [];
  readonly #timeout: number | undefined;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

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

  /** Ends the iteration with an error: what `generate` calls when it fails, so that no loop waits for ever. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<string>> {
    while (this.#pieces.length === 0 && !this.#ended) await this.#wait();
    const piece = this.#pieces.shift();
    if (piece !== undefined) return { done: false, value: piece };
    const failure = this.#failure;
    // The streamer may serve another generation: the next one begins a stream of its own.
    this.#ended = false;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  protected override onFinalizedText(text: string, streamEnd: boolean): void {
    if (text !== "") this.#pieces.push(text);
    if (streamEnd) this.#ended = true;
    if (text !== "" || streamEnd) this.#wake?.();
  }

  async #wait(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        const limit = this.#timeout;
        if (limit !== undefined) timer = setTimeout(() => reject(new TsumugiError("stream_timeout", { limit })), limit);
      });
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }
}
