/**
 * A text that was made of another one: `from[i]` is where the character of the other text begins (in UTF-16 units) that unit
 * i stands for, or -1 where it stands for none. Without `from`, unit i stands for unit i.
 */
export interface AlignedText {
  text: string;
  from?: Int32Array;
}

/**
 * Builds an aligned text by the rules of tokenizers' `NormalizedString::transform`: each new character has a change, 0 when
 * it takes the next old character's place, -n when it takes it and the n behind it go, 1 when it is inserted (and then
 * stands for the old character before it).
 */
export class TextBuilder {
  readonly #old: string;
  readonly #parts: string[] = [];
  #from: Int32Array;
  #length = 0;
  /** Place in the old text, and the start of the character before it. */
  #at = 0;
  #before = -1;

  constructor(old: string) {
    this.#old = old;
    this.#from = new Int32Array(old.length + 16);
  }

  /** Adds characters that all have the same change; only the first of several may take old characters. */
  add(text: string, change: number): void {
    const from = change > 0 ? this.#before : this.#at;
    this.#write(text, from);
    if (change <= 0) this.skip(1 - change);
  }

  /** Adds the character(s) that stand in place of the next old character: the first takes its place, others follow it. */
  replace(text: string): void {
    this.#write(text, this.#at);
    this.skip(1);
  }

  /** Adds the next `units` units of the old text as they are. */
  keep(units: number): void {
    const end = this.#at + units;
    this.#parts.push(this.#old.slice(this.#at, end));
    this.#reserve(units);
    while (this.#at < end) {
      const width = widthAt(this.#old, this.#at);
      for (let i = 0; i < width; i++) this.#from[this.#length++] = this.#at;
      this.#before = this.#at;
      this.#at += width;
    }
  }

  /** Leaves out the next `characters` characters of the old text. */
  skip(characters: number): void {
    for (let i = 0; i < characters && this.#at < this.#old.length; i++) {
      this.#before = this.#at;
      this.#at += widthAt(this.#old, this.#at);
    }
  }

  /** Leaves out the old text up to a place. */
  skipTo(place: number): void {
    while (this.#at < place) this.skip(1);
  }

  finish(): AlignedText {
    return { text: this.#parts.join(""), from: this.#from.subarray(0, this.#length) };
  }

  #write(text: string, from: number): void {
    this.#parts.push(text);
    this.#reserve(text.length);
    this.#from.fill(from, this.#length, this.#length + text.length);
    this.#length += text.length;
  }

  #reserve(units: number): void {
    if (this.#length + units <= this.#from.length) return;
    const larger = new Int32Array(2 * (this.#length + units));
    larger.set(this.#from);
    this.#from = larger;
  }
}

/** Units of the character at a place. */
export function widthAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00 && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

/** Whether a place is between the two units of one character. */
export function isInside(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 && at > 0 && widthAt(text, at - 1) === 2;
}

/** The second of two changes after the first, as one. */
export function compose(first: AlignedText, second: AlignedText): AlignedText {
  const { from } = second;
  if (!from) return { text: second.text, ...(first.from && { from: first.from }) };
  if (!first.from) return second;
  const composed = new Int32Array(from.length);
  for (let i = 0; i < from.length; i++) {
    const place = from[i] as number;
    composed[i] = place < 0 ? -1 : (first.from[place] as number);
  }
  return { text: second.text, from: composed };
}
