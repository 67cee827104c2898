import { canBeEmpty } from "./emptiness.ts";
import { isApart, isWithin, setOf } from "./set-relations.ts";
import type { PatternNode } from "./syntax.ts";

/** A repetition of one character behind which the pattern may fail, so that it is walked in vain. */
interface Loop {
  set: string;
  /** It gives back from its far end, or nothing at all. */
  fromFarEnd: boolean;
}

/** Counted repetitions up to this take a bounded number of steps, all of them together no more than the second number. */
const mostCounted = 64;
const mostWays = 256;
/** Comparisons of a run with later alternatives, each of which may take milliseconds; patterns of tokenizers need some ten. */
const mostCompared = 64;

/**
 * Whether JavaScript's backtracking takes steps in proportion to a text, whatever the text, and is known to answer rightly: a
 * sufficient test, which the patterns of published tokenizers pass.
 *
 * At one place: an alternative has at most one repetition that may be walked in vain, and none is inside another. From place
 * to place: where an alternative has walked a run of characters in vain, a later one takes the run (`covers`), and those
 * between cannot begin there, or take it up to the last place where they match, so that they match in the run once.
 */
export function isLinear(root: PatternNode): boolean {
  const alternatives = alternativesOf(root);
  const budget = { left: mostCompared };
  return alternatives.every((alternative, index) => {
    const walk = new Walk();
    walk.visit(alternative, false);
    if (walk.isRisky || walk.loops.length > 1) return false;
    const [loop] = walk.loops;
    return loop === undefined || isTaken(loop.set, alternatives.slice(index, index + mostCompared), budget);
  });
}

function alternativesOf(node: PatternNode): PatternNode[] {
  const inner = unwrapped(node);
  return inner.kind === "choice" ? inner.nodes.flatMap(alternativesOf) : [inner];
}

/** A group of one thing is that thing. */
function unwrapped(node: PatternNode): PatternNode {
  if (node.kind === "capture" && !node.capture.used) return unwrapped(node.node);
  return node.kind === "sequence" && node.nodes.length === 1 ? unwrapped(node.nodes[0]!) : node;
}

/** Collects what may be walked in vain. */
class Walk {
  readonly loops: Loop[] = [];
  isRisky = false;
  #ways = 1;

  /** `fails`: what follows the node may fail. */
  visit(node: PatternNode, fails: boolean): void {
    switch (node.kind) {
      case "sequence":
        for (let i = node.nodes.length - 1, rest = fails; i >= 0; i--) {
          this.visit(node.nodes[i]!, rest);
          rest ||= mayFail(node.nodes[i]!);
        }
        return;
      case "choice":
        if (fails) this.#multiply(node.nodes.length);
        for (const each of node.nodes) this.visit(each, fails);
        return;
      case "capture":
        this.visit(node.node, fails);
        return;
      case "atomic":
        this.#atomic(node.node, fails);
        return;
      case "look":
        if (!isShort(node.node)) this.isRisky = true;
        return;
      case "repeat":
        this.#repeat(node, fails);
        return;
      case "text":
        if (fails) this.isRisky = true;
        return;
      default:
        return;
    }
  }

  #repeat(node: PatternNode & { kind: "repeat" }, fails: boolean): void {
    if (node.how === "possessive") {
      this.#atomic({ ...node, how: "greedy" }, fails);
      return;
    }
    const set = setOf(unwrapped(node.node));
    if (set !== undefined) {
      if (node.least > mostCounted) this.isRisky = true;
      if (!fails) return;
      if (node.most > mostCounted) this.loops.push({ set, fromFarEnd: node.how === "greedy" });
      else this.#multiply(node.most - node.least + 1);
      return;
    }
    // V8 has answered wrongly where groups are repeated, such as `(?:a[^ ]{0,2})+?`, which matched "a  ".
    if (node.most > 1) this.isRisky = true;
    this.visit(node.node, fails);
    if (fails) this.#multiply(2);
  }

  /** What is inside gives nothing back to what follows, but may have been walked in vain. */
  #atomic(node: PatternNode, fails: boolean): void {
    const inner = unwrapped(node);
    const set = inner.kind === "repeat" ? setOf(unwrapped(inner.node)) : undefined;
    if (inner.kind === "repeat" && set !== undefined) {
      if (inner.least > mostCounted) this.isRisky = true;
      else if (fails && inner.most > mostCounted) this.loops.push({ set, fromFarEnd: true });
    } else if (inner.kind === "text") this.visit(inner, fails && !isLineBreak(inner));
    else if (isShort(node)) this.visit(node, false);
    else this.isRisky = true;
  }

  #multiply(ways: number): void {
    this.#ways *= ways;
    if (this.#ways > mostWays) this.isRisky = true;
  }
}

/** Whether it is `\R`, two characters at most, and not `\X`. */
function isLineBreak(node: PatternNode & { kind: "text" }): boolean {
  return node.source.length < 100;
}

/** Whether a node may match nothing although text follows: all that is not optional may. */
function mayFail(node: PatternNode): boolean {
  switch (node.kind) {
    case "sequence":
      return node.nodes.some(mayFail);
    case "choice":
      return node.nodes.every(mayFail);
    case "capture":
    case "atomic":
      return mayFail(node.node);
    case "repeat":
      return node.least > 0 && mayFail(node.node);
    default:
      return true;
  }
}

/** Whether a node matches a bounded number of characters. */
function isShort(node: PatternNode): boolean {
  switch (node.kind) {
    case "character":
    case "set":
    case "place":
      return true;
    case "text":
      return isLineBreak(node);
    case "sequence":
    case "choice":
      return node.nodes.every(isShort);
    case "capture":
    case "atomic":
    case "look":
      return isShort(node.node);
    case "repeat":
      return node.most <= 8 && isShort(node.node);
    case "reference":
      return false;
  }
}

/** Whether a run of characters, which the first alternative has walked in vain, is soon taken by one of them. */
function isTaken(run: string, alternatives: readonly PatternNode[], budget: { left: number }): boolean {
  for (const alternative of alternatives) {
    if (--budget.left < 0) return false;
    const shape = shapeOf(alternative);
    if (shape && isWithin(run, shape.set)) {
      if (shape.tail === "none" || shape.tail === "inner") return true;
      if (shape.fromFarEnd) continue;
    }
    if (!beginsApart(alternative, run)) return false;
  }
  return false;
}

/** An alternative of the form: something optional, a repetition of one character, one test. */
interface Shape extends Loop {
  /** What follows the repetition: nothing that fails, a test that succeeds inside of the run, or another test. */
  tail: "none" | "inner" | "test";
}

function shapeOf(node: PatternNode): Shape | undefined {
  const nodes = node.kind === "sequence" ? node.nodes.map(unwrapped) : [node];
  const at = nodes.findIndex((each) => each.kind === "repeat" && each.most > mostCounted);
  const loop = nodes[at];
  if (loop?.kind !== "repeat" || loop.least > 1) return undefined;
  const set = setOf(unwrapped(loop.node));
  if (set === undefined || nodes.slice(0, at).some(mayFail)) return undefined;
  const rest = nodes.slice(at + 1);
  const fromFarEnd = loop.how !== "lazy";
  const failing = rest.findIndex(mayFail);
  if (failing < 0) return fromFarEnd && loop.least <= 1 ? { set, fromFarEnd, tail: "none" } : undefined;
  if (failing > 0 || rest.slice(1).some(mayFail)) return undefined;
  const test = rest[0]!;
  const inner = fromFarEnd && loop.how !== "possessive" && isInnerTest(test, set);
  return { set, fromFarEnd, tail: inner ? "inner" : "test" };
}

/** Whether a look-ahead succeeds where a character of the run comes next. */
function isInnerTest(node: PatternNode, run: string): boolean {
  if (node.kind !== "look" || (node.how !== "?!" && node.how !== "?=")) return false;
  const set = setOf(unwrapped(node.node));
  if (set === undefined) return false;
  return node.how === "?!" ? isApart(run, set) : isWithin(run, set);
}

/** Whether an alternative cannot match where a character of the run comes next. */
function beginsApart(node: PatternNode, run: string): boolean {
  switch (node.kind) {
    case "character":
    case "set":
      return isApart(run, setOf(node)!);
    case "capture":
    case "atomic":
      return beginsApart(node.node, run);
    case "choice":
      return node.nodes.every((each) => beginsApart(each, run));
    case "repeat":
      return node.least > 0 && beginsApart(node.node, run);
    case "sequence":
      for (const each of node.nodes) {
        if (each.kind === "place" || each.kind === "look") continue;
        if (!beginsApart(each, run) && !(canBeEmpty(each) && each.kind === "repeat" && beginsApart(each.node, run)))
          return false;
        if (!canBeEmpty(each)) return true;
      }
      return false;
    default:
      return false;
  }
}
