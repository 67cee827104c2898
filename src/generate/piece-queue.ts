/** Pieces of text between one that makes them and one that reads them, who may be ahead. */
export class PieceQueue {
  readonly #pieces: string[] = [];
  #waiting: (() => void)[] = [];
  #hasEnded = false;
  #failure: { error: unknown } | undefined;

  push(piece: string): void {
    this.#pieces.push(piece);
    this.#wake();
  }

  /** There are no more pieces; `failure`: why, thrown once, behind the pieces that are there. */
  end(failure?: { error: unknown }): void {
    this.#failure = failure;
    this.#hasEnded = true;
    this.#wake();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nobody reads on: what is there is thrown away. */
  close(): void {
    this.#pieces.length = 0;
    this.end();
  }

  /** The next piece, as soon as it is there. */
  async next(): Promise<IteratorResult<string, undefined>> {
    while (this.#pieces.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const piece = this.#pieces.shift();
    if (piece !== undefined) return { done: false, value: piece };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
