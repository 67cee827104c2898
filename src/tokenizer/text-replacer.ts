import { widthAt } from "./aligned-text.ts";

/** A text, and what is put in its place. */
export type Replacement = readonly [from: string, to: string];

/** Longer texts are replaced in a pass of their own. */
const longest = 64;

/**
 * Replaces texts as one `replaceAll` after another would, in their order, but many of them in one pass: a pass ends where a
 * text could stand in, or reach into, what one before it has put in its place.
 */
export function createReplacer(replacements: readonly Replacement[]): (text: string) => string {
  const passes: ((text: string) => string)[] = [];
  let group: Replacement[] = [];
  let written = new Written();
  const flush = () => {
    if (group.length > 0) passes.push(createPass(group));
    group = [];
    written = new Written();
  };
  for (const [from, to] of replacements) {
    if (from.length === 0 || to.length === 0 || from.length > longest || to.length > longest) {
      flush();
      passes.push((text) => text.replaceAll(from, () => to));
      continue;
    }
    if (written.meets(from)) flush();
    group.push([from, to]);
    written.add(to);
  }
  flush();
  return (text) => passes.reduce((done, pass) => pass(done), text);
}

/** Texts that a pass writes. */
class Written {
  readonly #whole = new Set<string>();
  readonly #beginnings = new Set<string>();
  readonly #ends = new Set<string>();
  readonly #units = new Set<string>();

  add(text: string): void {
    if (this.#whole.has(text)) return;
    this.#whole.add(text);
    for (let i = 1; i <= text.length; i++) {
      this.#beginnings.add(text.slice(0, i));
      this.#ends.add(text.slice(-i));
      this.#units.add(text[i - 1] as string);
    }
  }

  /** Whether a text may share units with a written one where both stand in a text. */
  meets(text: string): boolean {
    if (Array.from({ length: text.length }, (_, i) => text[i] as string).every((unit) => this.#units.has(unit))) return true;
    for (let start = 0; start < text.length; start++) {
      if (this.#beginnings.has(text.slice(start)) || this.#ends.has(text.slice(0, start + 1))) return true;
      for (let end = start + 1; end <= text.length; end++) if (this.#whole.has(text.slice(start, end))) return true;
    }
    return false;
  }
}

/** What stands at a place: the earlier in the order (`rank`) goes first, then the one further left. */
interface Match {
  rank: number;
  start: number;
  end: number;
}

function createPass(group: readonly Replacement[]): (text: string) => string {
  const ranks = new Map<string, number>();
  const lengthsOf = new Map<number, number[]>();
  for (const [rank, [from]] of group.entries()) {
    if (ranks.has(from)) continue;
    ranks.set(from, rank);
    const first = from.codePointAt(0) as number;
    const lengths = lengthsOf.get(first) ?? [];
    if (!lengths.includes(from.length)) lengths.push(from.length);
    lengthsOf.set(first, lengths);
  }
  return (text) => {
    const parts: string[] = [];
    let done = 0;
    let matches: Match[] = [];
    let reach = 0;
    /** Takes of the matches that overlap each other those that come first. */
    const settle = () => {
      const taken: Match[] = [];
      const used = new Set<number>();
      for (const match of matches.sort((a, b) => a.rank - b.rank || a.start - b.start)) {
        let free = true;
        for (let at = match.start; free && at < match.end; at++) free = !used.has(at);
        if (!free) continue;
        taken.push(match);
        for (let at = match.start; at < match.end; at++) used.add(at);
      }
      for (const { rank, start, end } of taken.sort((a, b) => a.start - b.start)) {
        parts.push(text.slice(done, start), (group[rank] as Replacement)[1]);
        done = end;
      }
      matches = [];
    };
    for (let at = 0; at < text.length; at += widthAt(text, at)) {
      if (matches.length > 0 && at >= reach) settle();
      for (const length of lengthsOf.get(text.codePointAt(at) as number) ?? []) {
        const rank = ranks.get(text.slice(at, at + length));
        if (rank === undefined || at + length > text.length) continue;
        matches.push({ rank, start: at, end: at + length });
        reach = Math.max(reach, at + length);
      }
    }
    settle();
    return parts.join("") + text.slice(done);
  };
}
