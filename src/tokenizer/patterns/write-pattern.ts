import { classCharacter } from "./character-class.ts";
import { negatedSet } from "./character-sets.ts";
import { mayStopEmpty } from "./emptiness.ts";
import { writeFolded, writeFoldedSet } from "./folded-text.ts";
import { unsupportedPattern } from "./pattern-error.ts";
import type { PatternNode } from "./syntax.ts";

/** Writes a parsed pattern as the source of a JavaScript expression in `v` mode. Error: `unsupported_tokenizer`. */
export function writePattern(root: PatternNode, pattern: string): string {
  let atomics = 0;
  /** Whether this stands in a look-behind, which JavaScript matches from right to left. */
  let backwards = false;

  const write = (node: PatternNode): string => {
    switch (node.kind) {
      case "character":
        return node.fold ? writeFolded([node.code]) : classCharacter(node.code);
      case "set":
        return node.fold ? writeFoldedSet(node) : node.negated ? negatedSet(node.set) : node.set;
      case "place":
      case "text":
        return node.source;
      case "sequence":
        return sequence(node.nodes);
      case "choice":
        return `(?:${node.nodes.map(write).join("|")})`;
      case "capture":
        return node.capture.used ? `(?<${node.capture.name}>${write(node.node)})` : write(node.node);
      case "reference":
        if (node.fold || backwards) throw unsupportedPattern(pattern, "a reference under (?i) or in a look-behind");
        return `\\k<${node.capture.name}>`;
      case "look":
        return look(node.how, node.node);
      case "atomic":
        return atomic(node.node);
      case "repeat":
        return repeat(node);
    }
  };

  /** Characters under `(?i)` that stand side by side are written together: `ss` matches `ß`. */
  const sequence = (nodes: readonly PatternNode[]): string => {
    let source = "";
    for (let i = 0; i < nodes.length; ) {
      const codes: number[] = [];
      for (; i < nodes.length; i++) {
        const node = nodes[i]!;
        if (node.kind !== "character" || !node.fold) break;
        codes.push(node.code);
      }
      if (codes.length > 0) source += writeFolded(codes);
      else source += write(nodes[i++]!);
    }
    return source;
  };

  const look = (how: string, node: PatternNode): string => {
    const outside = backwards;
    backwards = how.startsWith("?<");
    const source = `(${how}${write(node)})`;
    backwards = outside;
    return source;
  };

  /** JavaScript keeps what a look-ahead has captured, and takes it whole. */
  const atomic = (node: PatternNode): string => {
    if (backwards) throw unsupportedPattern(pattern, "an atomic group in a look-behind");
    const name = `a${++atomics}`;
    return `(?=(?<${name}>${write(node)}))\\k<${name}>`;
  };

  const repeat = ({ node, least, most, how }: PatternNode & { kind: "repeat" }): string => {
    if (mayStopEmpty(node) && least !== most) {
      if (most > 1) throw unsupportedPattern(pattern, "a repetition of what may stop at nothing");
      const source = how === "lazy" ? `(?:|${write(node)})` : `(?:${write(node)}|)`;
      return how === "possessive" ? atomic({ kind: "text", source }) : source;
    }
    if (how !== "possessive") return `${single(node)}${sign(least, most)}${how === "lazy" ? "?" : ""}`;
    if (node.kind !== "set" && node.kind !== "character") return atomic({ kind: "repeat", node, least, most, how: "greedy" });
    // What one character repeats gives nothing back if the same character may not follow.
    const one = single(node);
    if (hasSeveral(one)) return atomic({ kind: "repeat", node, least, most, how: "greedy" });
    return most === 1 ? `(?:${one}|(?!${one}))` : `${one}${sign(least, most)}(?!${one})`;
  };

  /** A source that a sign of repetition can follow. */
  const single = (node: PatternNode): string => {
    const source = write(node);
    if (node.kind === "set" || node.kind === "character" || node.kind === "choice") return source;
    return `(?:${source})`;
  };

  return write(root);
}

/** Whether folded text of one character may match several, such as `ß`. */
function hasSeveral(source: string): boolean {
  return source.startsWith("(?:");
}

function sign(least: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return least === 0 ? "*" : least === 1 ? "+" : `{${least},}`;
  if (least === 0 && most === 1) return "?";
  return least === most ? `{${least}}` : `{${least},${most}}`;
}
