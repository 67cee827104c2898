import { classCharacter } from "./character-class.ts";
import { negatedSet } from "./character-sets.ts";
import type { PatternNode } from "./syntax.ts";

/** The set of a node that is one character; undefined for others. */
export function setOf(node: PatternNode): string | undefined {
  if (node.kind === "set") return node.set;
  return node.kind === "character" ? classCharacter(node.code) : undefined;
}

const known = new Map<string, boolean>();

/** Whether every character of one set is in another. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || outer === "\\p{Any}" || isEmpty(`[${inner}--${outer}]`);
}

/** Whether no character is in both sets. */
export function isApart(one: string, other: string): boolean {
  if (one === other) return false;
  if (complementOf(one) === other || complementOf(other) === one) return true;
  return isEmpty(`[${one}&&${other}]`);
}

function complementOf(set: string): string {
  const property = /^\\([pP])(\{[^}]*\})$/.exec(set);
  if (property) return `\\${property[1] === "p" ? "P" : "p"}${property[2]}`;
  return negatedSet(set);
}

/** Whether no character is in a set. */
function isEmpty(set: string): boolean {
  let found = known.get(set);
  if (found === undefined) {
    const holds = new RegExp(set, "v");
    found = !blocks().some((block) => holds.test(block));
    if (known.size > 1000) known.clear();
    known.set(set, found);
  }
  return found;
}

let texts: string[] | undefined;

/** All characters, in texts; those that tokenizers meet most come first. */
function blocks(): string[] {
  if (texts) return texts;
  texts = [];
  for (let from = 0; from < 0x110000; from += 0x1000) {
    const codes: number[] = [];
    for (let code = from; code < from + 0x1000; code++) if (code < 0xd800 || code > 0xdfff) codes.push(code);
    texts.push(String.fromCodePoint(...codes));
  }
  return texts;
}
