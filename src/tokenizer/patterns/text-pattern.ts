import { isInside, widthAt } from "../aligned-text.ts";
import type { TextGrowth } from "../text-growth.ts";
import { Machine } from "./machine.ts";
import type { MachineCode } from "./machine-code.ts";

/** What a pattern of a tokenizer.json finds in texts. */
export interface TextPattern {
  /**
   * Start and end of every match, one pair after the other. Empty matches are matches too, but not one where the match before
   * it has just ended; an empty text has none. (So does the iterator of the Rust library.)
   */
  matches(text: string): number[];
  /** The text with `content` in the place of every match, if that does not outgrow it. */
  replace(text: string, content: string, growth: TextGrowth): string;
}

/** Matches of a JavaScript expression with the flag `g`. */
export function expressionPattern(expression: RegExp): TextPattern {
  const pattern: TextPattern = {
    replace: (text, content, growth) => replaceMatches(text, pattern.matches(text), content, growth),
    matches(text) {
      const places: number[] = [];
      if (text === "") return places;
      let last = -1;
      expression.lastIndex = 0;
      for (let found = expression.exec(text); found; found = expression.exec(text)) {
        const start = found.index;
        const end = start + found[0].length;
        // V8 also tries places between the two halves of a character.
        if (isInside(text, start)) {
          expression.lastIndex = start + 1;
          continue;
        }
        if (end === start) expression.lastIndex = end + (end < text.length ? widthAt(text, end) : 1);
        if (end > start || start !== last) places.push(start, end);
        last = end;
      }
      return places;
    },
  };
  return pattern;
}

/** Matches of a pattern that JavaScript's backtracking could take very long for. */
export function machinePattern(code: MachineCode): TextPattern {
  const pattern: TextPattern = {
    replace: (text, content, growth) => replaceMatches(text, pattern.matches(text), content, growth),
    matches(text) {
      const places: number[] = [];
      if (text === "") return places;
      const machine = new Machine(code, text);
      let last = -1;
      for (let at = 0; at <= text.length; ) {
        const end = machine.matchAt(at);
        if (end > at || (end === at && at !== last)) {
          places.push(at, end);
          last = end;
        }
        at = end > at ? end : at + (at < text.length ? widthAt(text, at) : 1);
      }
      return places;
    },
  };
  return pattern;
}

/** The places where a text itself stands. */
export function literalPattern(literal: string): TextPattern {
  if (literal === "") return expressionPattern(/(?:)/gu);
  return {
    replace(text, content, growth) {
      if (!text.includes(literal)) return text;
      if (content.length > literal.length)
        growth.check(text.length + countOf(text, literal) * (content.length - literal.length));
      return text.replaceAll(literal, () => content);
    },
    matches(text) {
      const places: number[] = [];
      for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length))
        places.push(at, at + literal.length);
      return places;
    },
  };
}

/** Refuses matches whose `content` would make too much of a text. */
export function checkGrowth(text: string, matches: readonly number[], content: string, growth: TextGrowth): void {
  let matched = 0;
  for (let i = 0; i < matches.length; i += 2) matched += (matches[i + 1] as number) - (matches[i] as number);
  growth.check(text.length - matched + (matches.length / 2) * content.length);
}

function countOf(text: string, literal: string): number {
  let count = 0;
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length)) count++;
  return count;
}

function replaceMatches(text: string, matches: readonly number[], content: string, growth: TextGrowth): string {
  if (matches.length === 0) return text;
  checkGrowth(text, matches, content, growth);
  const parts: string[] = [];
  let done = 0;
  for (let i = 0; i < matches.length; i += 2) {
    parts.push(text.slice(done, matches[i]), content);
    done = matches[i + 1] as number;
  }
  parts.push(text.slice(done));
  return parts.join("");
}
