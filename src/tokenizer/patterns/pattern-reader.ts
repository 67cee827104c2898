/** Reads a pattern from left to right, by code points. */
export class PatternReader {
  readonly pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  get done(): boolean {
    return this.#at >= this.pattern.length;
  }

  /** Where the rest begins, in UTF-16 units. */
  get place(): number {
    return this.#at;
  }

  /** The rest begins with `text`. */
  sees(text: string): boolean {
    return this.pattern.startsWith(text, this.#at);
  }

  /** Takes `text` if the rest begins with it. */
  take(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** Takes what a sticky expression matches here. */
  match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.pattern);
    if (!found) return undefined;
    this.#at += found[0].length;
    return found;
  }

  /** Takes one code point; `undefined` at the end. */
  next(): number | undefined {
    const code = this.pattern.codePointAt(this.#at);
    if (code !== undefined) this.#at += code > 0xffff ? 2 : 1;
    return code;
  }
}
