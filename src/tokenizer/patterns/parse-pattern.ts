import { readClass } from "./character-class.ts";
import { escapeSets } from "./character-sets.ts";
import { readEscape } from "./escapes.ts";
import { graphemeCluster } from "./grapheme-cluster.ts";
import { invalidPattern, unsupportedPattern } from "./pattern-error.ts";
import { PatternReader } from "./pattern-reader.ts";
import { readRepeat } from "./repeats.ts";
import type { Capture, PatternNode, PatternOptions } from "./syntax.ts";

/**
 * Parses a regular expression as Oniguruma's Ruby syntax has it, which the Rust library compiles patterns with.
 *
 * Errors: `unsupported_tokenizer` for what JavaScript cannot express (`\G`, `\K`, `\y`, `(?~…)`, conditions, calls of groups,
 * references to groups that may not have matched, blocks such as `\p{In_…}`), `invalid_tokenizer_file` for what Oniguruma
 * refuses too.
 */
export function parsePattern(pattern: string): PatternNode {
  return new PatternParser(pattern).parse();
}

const places: { readonly [letter: string]: string } = {
  A: "(?<![^])",
  z: "(?![^])",
  Z: "(?=\\n?(?![^]))",
  b: "(?:(?<=W)(?!W)|(?<!W)(?=W))",
  B: "(?:(?<=W)(?=W)|(?<!W)(?!W))",
};
const lineStart = "(?:(?<![^])|(?<=\\n)(?=[^]))";
const lineEnd = "(?=\\n|(?![^]))";
/** Longer than patterns are by far: some checks take time by the square of the length. */
const longest = 65_536;
/** Signs of repetition behind one thing, of which each repeats what is before it. */
const mostRepeats = 8;
const lineBreak = "(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])";

class PatternParser {
  readonly #reader: PatternReader;
  readonly #pattern: string;
  /** With a named group, groups without a name do not capture. */
  readonly #named: boolean;
  readonly #captures: Capture[] = [];
  readonly #byName = new Map<string, Capture[]>();
  /** Captures that have matched whenever the parser's place is reached, the innermost sequence last. */
  readonly #certain: Capture[][] = [];
  #depth = 0;
  /** The look-behind that the parser is in. */
  #behind: "?<=" | "?<!" | undefined;

  constructor(pattern: string) {
    if (pattern.length > longest) throw unsupportedPattern(pattern, `more than ${longest} characters`);
    this.#pattern = pattern;
    this.#reader = new PatternReader(pattern);
    this.#named = /\(\?(?:<(?![=!])|')/.test(pattern.replace(/\\./gs, ""));
  }

  parse(): PatternNode {
    const node = this.#choice({ fold: false, dotAll: false, extended: false });
    if (!this.#reader.done) throw invalidPattern(this.#pattern, "closes a group that it did not open");
    return node;
  }

  /** Alternatives, up to the end of the group. */
  #choice(options: PatternOptions): PatternNode {
    if (++this.#depth > 200) throw unsupportedPattern(this.#pattern, "a group inside 200 others");
    const nodes = [this.#sequence(options)];
    while (this.#reader.take("|")) nodes.push(this.#sequence(options));
    this.#depth--;
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  #sequence(options: PatternOptions): PatternNode {
    const nodes: PatternNode[] = [];
    this.#certain.push([]);
    for (;;) {
      if (options.extended) this.#skipComments();
      if (this.#reader.done || this.#reader.sees("|") || this.#reader.sees(")")) break;
      const before = this.#certain.at(-1)!.length;
      let node = this.#atom(options);
      if (!node) continue;
      if (options.extended) this.#skipComments();
      let repeats = 0;
      for (let repeat = readRepeat(this.#reader); repeat; repeat = readRepeat(this.#reader)) {
        if (++repeats > mostRepeats)
          throw unsupportedPattern(this.#pattern, `more than ${mostRepeats} repetitions of one another`);
        if (node.kind === "place" || node.kind === "look")
          throw invalidPattern(this.#pattern, "repeats a place, which has no characters");
        // What may be repeated no times may not have matched.
        if (repeat.least === 0) this.#certain.at(-1)!.length = before;
        node = { kind: "repeat", node, ...repeat };
      }
      nodes.push(node);
    }
    this.#certain.pop();
    return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
  }

  #skipComments(): void {
    while (this.#reader.match(/[\t-\r ]+|#[^\n]*\n?/y)) {}
  }

  /** The next thing that can be repeated; `undefined` for a comment. */
  #atom(options: PatternOptions): PatternNode | undefined {
    const reader = this.#reader;
    const { fold, dotAll } = options;
    if (reader.match(/[*+?]/y)) throw invalidPattern(this.#pattern, "repeats nothing");
    if (reader.take("(")) return this.#group(options);
    if (reader.take("[")) return { kind: "set", ...readClass(reader), fold };
    if (reader.take("\\")) return this.#escape(options);
    if (reader.take("^")) return { kind: "place", source: lineStart };
    if (reader.take("$")) return { kind: "place", source: lineEnd };
    if (reader.take(".")) return { kind: "set", set: dotAll ? "\\p{Any}" : "[^\\n]", fold: false, negated: false };
    return { kind: "character", code: reader.next()!, fold };
  }

  #escape(options: PatternOptions): PatternNode {
    const reader = this.#reader;
    const { fold } = options;
    const place = reader.match(/[AzZbB]/y);
    if (place) return { kind: "place", source: places[place[0]]!.replaceAll("W", escapeSets.w!) };
    const unsupported = reader.match(/[GKyYg]/y);
    if (unsupported) throw unsupportedPattern(this.#pattern, `\\${unsupported[0]}`);
    if (reader.take("R")) return { kind: "atomic", node: { kind: "text", source: lineBreak } };
    if (reader.take("X")) return { kind: "atomic", node: { kind: "text", source: graphemeCluster() } };
    if (reader.take("N")) return { kind: "set", set: "[^\\n]", fold: false, negated: false };
    if (reader.take("O")) return { kind: "set", set: "\\p{Any}", fold: false, negated: false };
    const reference = this.#reference();
    if (reference) return { kind: "reference", capture: reference, fold };
    const escaped = readEscape(reader);
    if ("set" in escaped) return { kind: "set", set: escaped.set, fold: false, negated: false };
    const nodes = escaped.codes.map((code): PatternNode => ({ kind: "character", code, fold }));
    return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
  }

  /** `\1` and `\k<name>`. Only a group that has surely matched can be asked for: JavaScript takes any other for empty. */
  #reference(): Capture | undefined {
    const number = this.#reader.match(/[1-9](?![0-9])/y);
    const named = number ? undefined : this.#reader.match(/k(?:<([^>]*)>|'([^']*)')/y);
    if (!number && !named) return undefined;
    if (number && this.#named) throw invalidPattern(this.#pattern, "has a number for a group where groups have names");
    const name = named?.[1] ?? named?.[2] ?? "";
    const found = number ? this.#captures[Number(number[0]) - 1] : this.#named ? this.#only(name) : undefined;
    if (!found || !this.#certain.some((captures) => captures.includes(found)))
      throw unsupportedPattern(this.#pattern, `the reference \\${(number ?? named)![0]}`);
    found.used = true;
    return found;
  }

  #only(name: string): Capture | undefined {
    const captures = this.#byName.get(name) ?? [];
    return captures.length === 1 ? captures[0] : undefined;
  }

  /** A group behind its `(`. */
  #group(options: PatternOptions): PatternNode | undefined {
    const reader = this.#reader;
    if (reader.match(/\?#[^)]*\)/y)) return undefined;
    const look = reader.match(/\?<?[=!]/y);
    if (look) return this.#look(options, look[0] as "?=" | "?!" | "?<=" | "?<!");
    if (reader.take("?>")) return { kind: "atomic", node: this.#inner(options) };
    if (reader.take("?:")) return this.#inner(options);
    const name = reader.match(/\?(?:<([^>]+)>|'([^']+)')/y);
    if (name) return this.#capture(options, name[1] ?? name[2]);
    const letters = reader.match(/\?([imx]*)(?:-([imx]*))?(?=[:)])/y);
    if (letters) return this.#withOptions(options, letters[1]!, letters[2] ?? "");
    const other = reader.match(/\?[^)]{0,8}|\*[A-Z]/y);
    if (other) throw unsupportedPattern(this.#pattern, `(${other[0]}`);
    return this.#named ? this.#inner(options) : this.#capture(options, undefined);
  }

  /** Oniguruma refuses some tests inside a look-behind. */
  #look(options: PatternOptions, how: "?=" | "?!" | "?<=" | "?<!"): PatternNode {
    const outside = this.#behind;
    if (outside !== undefined && (how === "?=" || how === "?!" || (how === "?<!" && outside === "?<=")))
      throw invalidPattern(this.#pattern, `has (${how} inside (${outside}`);
    if (how === "?<=" || how === "?<!") this.#behind = how;
    const node: PatternNode = { kind: "look", how, node: this.#inner(options) };
    this.#behind = outside;
    return node;
  }

  /** What stands in a group, and its end. */
  #inner(options: PatternOptions): PatternNode {
    const node = this.#choice(options);
    if (!this.#reader.take(")")) throw invalidPattern(this.#pattern, "has a group without its end");
    // A character in a group of its own is not joined with its neighbours under `(?i)`.
    return node.kind === "character" ? { kind: "sequence", nodes: [node] } : node;
  }

  #capture(options: PatternOptions, name: string | undefined): PatternNode {
    if (this.#behind === "?<!") throw invalidPattern(this.#pattern, "captures inside (?<!");
    const capture: Capture = { name: `g${this.#captures.length + 1}`, used: false };
    this.#captures.push(capture);
    if (name !== undefined) this.#byName.set(name, [...(this.#byName.get(name) ?? []), capture]);
    const node = this.#inner(options);
    this.#certain.at(-1)!.push(capture);
    return { kind: "capture", capture, node };
  }

  /** `(?i:…)`; or `(?i)`, which makes a group of all that follows in its own group, alternatives too. */
  #withOptions(options: PatternOptions, on: string, off: string): PatternNode {
    const changed = {
      fold: !off.includes("i") && (options.fold || on.includes("i")),
      dotAll: !off.includes("m") && (options.dotAll || on.includes("m")),
      extended: !off.includes("x") && (options.extended || on.includes("x")),
    };
    if (this.#reader.take(":")) return this.#inner(changed);
    this.#reader.take(")");
    return this.#choice(changed);
  }
}
