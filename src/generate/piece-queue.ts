import { TsumugiError } from "../errors.ts";

interface Reader {
  resolve(result: IteratorResult<string, undefined>): void;
  reject(error: unknown): void;
}

const done: IteratorResult<string, undefined> = { done: true, value: undefined };

/**
 * Pieces of text between one that makes them and those that read them, who may be ahead. Readers are served in the order in which
 * they asked, and every one of them is answered at the latest by the end.
 */
export class PieceQueue {
  #pieces: string[] = [];
  /** Pieces of the list that have been read. */
  #read = 0;
  readonly #readers = new Set<Reader>();
  #hasEnded = false;
  #isSpent = false;
  #failure: { error: unknown } | undefined;

  /** Behind the end it does nothing. */
  push(piece: string): void {
    if (this.#hasEnded) return;
    const reader = this.#nextReader();
    if (reader) reader.resolve({ done: false, value: piece });
    else this.#pieces.push(piece);
  }

  /** There are no more pieces; `failure`: why, thrown once, behind the pieces that are there. Only the first end counts. */
  end(failure?: { error: unknown }): void {
    if (this.#hasEnded) return;
    this.#failure = failure;
    this.#hasEnded = true;
    for (let reader = this.#nextReader(); reader; reader = this.#nextReader()) this.#tellEnd(reader);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** A failure that nobody has heard of. */
  get hasFailure(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether somebody has been told the end. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Nobody reads on: what is there is thrown away, and who waits is told the end. */
  close(): void {
    this.#forget();
    this.end();
    this.#failure = undefined;
  }

  /**
   * The next piece, as soon as it is there.
   *
   * @param limit the longest wait, in milliseconds
   * @throws `stream_timeout`, and what the queue ended with
   */
  next(limit?: number): Promise<IteratorResult<string, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#read < this.#pieces.length) resolve({ done: false, value: this.#take() });
      else if (this.#hasEnded) this.#tellEnd({ resolve, reject });
      else this.#readers.add(limit === undefined ? { resolve, reject } : this.#impatient({ resolve, reject }, limit));
    });
  }

  #take(): string {
    const piece = this.#pieces[this.#read++]!;
    if (this.#read === this.#pieces.length) this.#forget();
    return piece;
  }

  #forget(): void {
    this.#pieces = [];
    this.#read = 0;
  }

  #nextReader(): Reader | undefined {
    for (const reader of this.#readers) {
      this.#readers.delete(reader);
      return reader;
    }
    return undefined;
  }

  #tellEnd({ resolve, reject }: Reader): void {
    this.#isSpent = true;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) reject(failure.error);
    else resolve(done);
  }

  /** A reader who gives up. */
  #impatient({ resolve, reject }: Reader, limit: number): Reader {
    const timer = setTimeout(() => {
      this.#readers.delete(reader);
      reject(new TsumugiError("stream_timeout", { limit }));
    }, limit);
    const reader: Reader = {
      resolve(result) {
        clearTimeout(timer);
        resolve(result);
      },
      reject(error) {
        clearTimeout(timer);
        reject(error);
      },
    };
    return reader;
  }
}
