import { CharacterClass } from "../character-class.ts";
import { canBeEmpty } from "./emptiness.ts";
import { unsupportedPattern } from "./pattern-error.ts";
import { setOf } from "./set-relations.ts";
import type { PatternNode } from "./syntax.ts";

/** A step of the machine. `next` is the step behind it. */
export type Step =
  | { op: "match" }
  /** One character of a set, read forwards or backwards. */
  | { op: "take"; members: CharacterClass; back: boolean; next: number }
  /** Two ways: `next` first, `other` if it fails. `state` numbers the steps of this kind. */
  | { op: "split"; next: number; other: number; state: number }
  /** A test of a place. */
  | { op: "place"; test: RegExp; next: number }
  /** Text that one expression matches; `empty` is the step behind it where that is nothing. */
  | { op: "text"; expression: RegExp; next: number; empty: number }
  /** A look-around: steps of its own, from `inner` to a `match`. */
  | { op: "look"; inner: number; negated: boolean; next: number }
  /** A group that gives nothing back. */
  | { op: "atomic"; inner: number; next: number; empty: number };

/** A pattern as steps of a machine. */
export interface MachineCode {
  steps: readonly Step[];
  start: number;
  /** How many steps are splits. */
  states: number;
  /** Whether each of them stands in a look-around or an atomic group. */
  isInner: readonly boolean[];
}

/**
 * Where a part of a pattern leads: `fresh` as long as nothing has been taken since the repetition around it began, else
 * `moved`. Outside of repetitions of what may be empty both are one.
 */
interface Ways {
  fresh: number;
  moved: number;
}

/** More steps than patterns of tokenizers have by far: time and memory go by their number. */
const mostSteps = 1000;

/** Makes the steps of a pattern without `(?i)`. Error: `unsupported_tokenizer`. */
export function machineCode(root: PatternNode, pattern: string): MachineCode {
  const writer = new CodeWriter(pattern);
  const start = writer.write(root, writer.whole()).fresh;
  return { steps: writer.steps, start, states: writer.isInner.length, isInner: writer.isInner };
}

class CodeWriter {
  readonly steps: Step[] = [];
  readonly isInner: boolean[] = [];
  readonly #pattern: string;
  readonly #sets = new Map<string, CharacterClass>();
  #back = false;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** The end of the pattern. */
  whole(): Ways {
    return both(this.#add({ op: "match" }));
  }

  /** Writes a node in front of where it leads. */
  write(node: PatternNode, to: Ways): Ways {
    const set = setOf(node);
    if (set !== undefined)
      return both(this.#add({ op: "take", members: this.#members(set), back: this.#back, next: to.moved }));
    switch (node.kind) {
      case "sequence": {
        const nodes = this.#back ? node.nodes : node.nodes.toReversed();
        return nodes.reduce((behind, each) => this.write(each, behind), to);
      }
      case "choice":
        return node.nodes.map((each) => this.write(each, to)).reduceRight((others, way) => this.#twoWays(to, way, others));
      case "capture":
        if (node.capture.used)
          throw unsupportedPattern(
            this.#pattern,
            "a reference in an expression that JavaScript cannot run, or not in good time,",
          );
        return this.write(node.node, to);
      case "place":
        return this.#each(to, (next) => ({ op: "place", test: new RegExp(node.source, "vy"), next }));
      case "text":
        if (this.#back) throw unsupportedPattern(this.#pattern, "\\X or \\R in such a look-behind");
        return this.#leap(to, { op: "text", expression: new RegExp(node.source, "vy") });
      case "look": {
        const outside = this.#back;
        this.#back = node.how.startsWith("?<");
        const inner = this.#inside(node.node);
        this.#back = outside;
        return this.#each(to, (next) => ({ op: "look", inner, negated: node.how.endsWith("!"), next }));
      }
      case "atomic":
        return this.#leap(to, { op: "atomic", inner: this.#inside(node.node) });
      case "repeat":
        return this.#repeat(node, to);
      default:
        throw unsupportedPattern(
          this.#pattern,
          "a reference in an expression that JavaScript cannot run, or not in good time,",
        );
    }
  }

  #repeat(node: PatternNode & { kind: "repeat" }, to: Ways): Ways {
    if (node.how === "possessive") return this.write({ kind: "atomic", node: { ...node, how: "greedy" } }, to);
    const lazy = node.how === "lazy";
    let ways = to;
    if (node.most === Number.POSITIVE_INFINITY) ways = this.#loop(node.node, to, lazy);
    else
      for (let i = node.least; i < node.most; i++) {
        const turn = this.write(node.node, ways);
        ways = lazy ? this.#twoWays(to, to, turn) : this.#twoWays(to, turn, to);
      }
    for (let i = 0, before = -1; i < node.least && before !== this.steps.length; i++) {
      before = this.steps.length; // a turn that takes no step is the same each time
      ways = this.write(node.node, ways);
    }
    return ways;
  }

  /** A turn that takes nothing ends the loop, as in Oniguruma. */
  #loop(node: PatternNode, to: Ways, lazy: boolean): Ways {
    const head = this.#add({ op: "split", next: 0, other: 0, state: this.#state() });
    const again: Ways = { fresh: to.moved, moved: head };
    const turn = this.write(node, canBeEmpty(node) ? again : both(head));
    this.steps[head] = { ...(this.steps[head] as Step & { op: "split" }), ...order(turn.fresh, to.moved, lazy) };
    if (to.fresh === to.moved) return both(head);
    const first = this.write(node, canBeEmpty(node) ? { fresh: to.fresh, moved: head } : both(head));
    const split = this.#add({ op: "split", ...order(first.fresh, to.fresh, lazy), state: this.#state() });
    return { fresh: split, moved: head };
  }

  #twoWays(to: Ways, one: Ways, other: Ways): Ways {
    const split = (next: number, second: number) => this.#add({ op: "split", next, other: second, state: this.#state() });
    const fresh = split(one.fresh, other.fresh);
    return to.fresh === to.moved ? both(fresh) : { fresh, moved: split(one.moved, other.moved) };
  }

  #each(to: Ways, make: (next: number) => Step): Ways {
    const fresh = this.#add(make(to.fresh));
    return to.fresh === to.moved ? both(fresh) : { fresh, moved: this.#add(make(to.moved)) };
  }

  #leap(to: Ways, step: { op: "text"; expression: RegExp } | { op: "atomic"; inner: number }): Ways {
    const fresh = this.#add({ ...step, next: to.moved, empty: to.fresh });
    return to.fresh === to.moved ? both(fresh) : { fresh, moved: this.#add({ ...step, next: to.moved, empty: to.moved }) };
  }

  /** Steps of a pattern inside of the pattern. */
  #inside(node: PatternNode): number {
    this.#depth++;
    const { fresh } = this.write(node, this.whole());
    this.#depth--;
    return fresh;
  }

  #state(): number {
    return this.isInner.push(this.#depth > 0) - 1;
  }

  #members(set: string): CharacterClass {
    const known = this.#sets.get(set) ?? new CharacterClass(new RegExp(`^${set}$`, "v"));
    this.#sets.set(set, known);
    return known;
  }

  #add(step: Step): number {
    if (this.steps.length >= mostSteps)
      throw unsupportedPattern(
        this.#pattern,
        `more than ${mostSteps} steps, repetitions written out, where it could take very long,`,
      );
    return this.steps.push(step) - 1;
  }
}

function both(step: number): Ways {
  return { fresh: step, moved: step };
}

function order(turn: number, exit: number, lazy: boolean): { next: number; other: number } {
  return lazy ? { next: exit, other: turn } : { next: turn, other: exit };
}
