import { widthAt } from "../aligned-text.ts";
import type { MachineCode } from "./machine-code.ts";

/**
 * Runs a pattern over one text by backtracking, and remembers which step has failed at which place: no step is tried twice at
 * one place, so that the time is the product of the two numbers at most, whatever the pattern. What look-arounds and atomic
 * groups have found is remembered too.
 */
export class Machine {
  readonly #code: MachineCode;
  readonly #text: string;
  /** By split and place: one bit, set where the split has failed. */
  readonly #failed: (Uint32Array | undefined)[];
  /** Of splits inside of look-arounds and atomic groups: where they end by place, plus one; 0 where that is unknown. */
  readonly #ends: (Int32Array | undefined)[];
  /** Splits that were taken: step, place, and whether the second way is on. */
  #stack = new Int32Array(3 * 256);
  #top = 0;

  constructor(code: MachineCode, text: string) {
    this.#code = code;
    this.#text = text;
    this.#failed = new Array(code.states).fill(undefined);
    this.#ends = new Array(code.states).fill(undefined);
  }

  /** The end of the match that begins at a place; -1 for none. */
  matchAt(place: number): number {
    return this.#run(this.#code.start, place, false);
  }

  #run(start: number, from: number, inner: boolean): number {
    const { steps } = this.#code;
    const text = this.#text;
    const base = this.#top;
    let at = start;
    let place = from;
    for (;;) {
      const step = steps[at]!;
      let ok = true;
      switch (step.op) {
        case "match":
          return this.#succeed(base, place, inner);
        case "take": {
          const width = step.back ? widthBefore(text, place) : place < text.length ? widthAt(text, place) : 0;
          const code = width === 0 ? -1 : (text.codePointAt(step.back ? place - width : place) as number);
          ok = width > 0 && step.members.has(code);
          if (ok) place += step.back ? -width : width;
          at = step.next;
          break;
        }
        case "split": {
          const end = inner ? (this.#ends[step.state]?.[place] ?? 0) : 0;
          if (end > 0) return this.#succeed(base, end - 1, inner);
          ok = !this.#hasFailed(step.state, place);
          if (ok) this.#push(at, place);
          at = step.next;
          break;
        }
        case "place":
          step.test.lastIndex = place;
          ok = step.test.test(text);
          at = step.next;
          break;
        case "text": {
          step.expression.lastIndex = place;
          const found = step.expression.exec(text);
          ok = found !== null;
          at = found?.[0] === "" ? step.empty : step.next;
          place += found?.[0].length ?? 0;
          break;
        }
        case "look":
          ok = this.#run(step.inner, place, true) >= 0 !== step.negated;
          at = step.next;
          break;
        case "atomic": {
          const end = this.#run(step.inner, place, true);
          ok = end >= 0;
          at = end === place ? step.empty : step.next;
          if (ok) place = end;
          break;
        }
      }
      if (ok) continue;
      if (!this.#back(base)) return -1;
      const split = steps[this.#stack[this.#top - 3] as number]!;
      at = split.op === "split" ? split.other : 0;
      place = this.#stack[this.#top - 2] as number;
    }
  }

  /** Goes back to the last split whose second way is open, and opens it; false where there is none. */
  #back(base: number): boolean {
    const stack = this.#stack;
    for (; this.#top > base; this.#top -= 3) {
      if (stack[this.#top - 1] === 0) {
        stack[this.#top - 1] = 1;
        return true;
      }
      const split = this.#code.steps[stack[this.#top - 3] as number]!;
      if (split.op === "split") this.#fail(split.state, stack[this.#top - 2] as number);
    }
    return false;
  }

  /** Every split that is open has led to this end. */
  #succeed(base: number, end: number, inner: boolean): number {
    for (; this.#top > base; this.#top -= 3) {
      if (!inner) continue;
      const split = this.#code.steps[this.#stack[this.#top - 3] as number]!;
      if (split.op !== "split") continue;
      this.#ends[split.state] ??= new Int32Array(this.#text.length + 1);
      this.#ends[split.state]![this.#stack[this.#top - 2] as number] = end + 1;
    }
    return end;
  }

  #push(at: number, place: number): void {
    if (this.#top + 3 > this.#stack.length) {
      const larger = new Int32Array(this.#stack.length * 2);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#top++] = at;
    this.#stack[this.#top++] = place;
    this.#stack[this.#top++] = 0;
  }

  #fail(state: number, place: number): void {
    this.#failed[state] ??= new Uint32Array((this.#text.length >>> 5) + 1);
    this.#failed[state]![place >>> 5]! |= 1 << (place & 31);
  }

  #hasFailed(state: number, place: number): boolean {
    const bits = this.#failed[state];
    return bits !== undefined && (((bits[place >>> 5] as number) >>> (place & 31)) & 1) === 1;
  }
}

function widthBefore(text: string, place: number): number {
  if (place === 0) return 0;
  const unit = text.charCodeAt(place - 1);
  return unit >= 0xdc00 && unit < 0xe000 && place > 1 && widthAt(text, place - 2) === 2 ? 2 : 1;
}
