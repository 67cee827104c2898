/**
 * A parsed pattern. Sets are written as one item of a class of JavaScript's `v` mode: `\p{L}`, `[a-z]`, `[^\n]`.
 */
export type PatternNode =
  /** One character, as it stands in the pattern. `fold`: under `(?i)`. */
  | { kind: "character"; code: number; fold: boolean }
  /** One character of a set. `fold`: a class under `(?i)`. `negated` keeps the `^` apart, because folding comes before it. */
  | { kind: "set"; set: string; fold: boolean; negated: boolean }
  /** A test of a place, written in JavaScript: `\b` or a look-around without captures. */
  | { kind: "place"; source: string }
  /** What is written in JavaScript already and consumes text. */
  | { kind: "text"; source: string }
  | { kind: "sequence"; nodes: PatternNode[] }
  | { kind: "choice"; nodes: PatternNode[] }
  /** A group that a reference asks for; others are plain sequences and choices. */
  | { kind: "capture"; capture: Capture; node: PatternNode }
  | { kind: "reference"; capture: Capture; fold: boolean }
  | { kind: "look"; how: "?=" | "?!" | "?<=" | "?<!"; node: PatternNode }
  /** A group that gives nothing back once it has matched. */
  | { kind: "atomic"; node: PatternNode }
  | { kind: "repeat"; node: PatternNode; least: number; most: number; how: "greedy" | "lazy" | "possessive" };

/** A group that captures. */
export interface Capture {
  /** Its name in JavaScript. */
  name: string;
  /** Whether a reference asks for it. */
  used: boolean;
}

/** What `(?imx)` has set. */
export interface PatternOptions {
  /** `i`: case does not matter. */
  fold: boolean;
  /** `m`: a dot matches line ends too. */
  dotAll: boolean;
  /** `x`: white space and comments are passed over. */
  extended: boolean;
}
