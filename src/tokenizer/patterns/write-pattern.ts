import { classCharacter } from "./character-class.ts";
import { mayStopEmpty } from "./emptiness.ts";
import type { PatternNode } from "./syntax.ts";

/**
 * Writes a pattern without `(?i)` as the source of a JavaScript expression in `v` mode. `undefined` where JavaScript has no such
 * expression: repetitions of what may stop at nothing; atomic groups and references in a look-behind.
 */
export function writePattern(root: PatternNode): string | undefined {
  let atomics = 0;
  let isExpressible = true;
  /** Whether this stands in a look-behind, which JavaScript matches from right to left. */
  let backwards = false;

  const write = (node: PatternNode): string => {
    switch (node.kind) {
      case "character":
        return classCharacter(node.code);
      case "set":
        return node.set;
      case "place":
      case "text":
        return node.source;
      case "sequence":
        return node.nodes.map(write).join("");
      case "choice":
        return `(?:${node.nodes.map(write).join("|")})`;
      case "capture":
        return node.capture.used ? `(?<${node.capture.name}>${write(node.node)})` : write(node.node);
      case "reference":
        isExpressible &&= !backwards;
        return `\\k<${node.capture.name}>`;
      case "look":
        return look(node.how, node.node);
      case "atomic":
        return atomic(node.node);
      case "repeat":
        return repeat(node);
    }
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
    isExpressible &&= !backwards;
    const name = `a${++atomics}`;
    return `(?=(?<${name}>${write(node)}))\\k<${name}>`;
  };

  const repeat = ({ node, least, most, how }: PatternNode & { kind: "repeat" }): string => {
    if (mayStopEmpty(node) && least !== most) {
      isExpressible &&= most <= 1;
      const source = how === "lazy" ? `(?:|${write(node)})` : `(?:${write(node)}|)`;
      return how === "possessive" ? atomic({ kind: "text", source }) : source;
    }
    if (how !== "possessive") return `${single(node)}${sign(least, most)}${how === "lazy" ? "?" : ""}`;
    if (node.kind !== "set" && node.kind !== "character") return atomic({ kind: "repeat", node, least, most, how: "greedy" });
    // What one character repeats gives nothing back if the same character may not follow.
    const one = single(node);
    return most === 1 ? `(?:${one}|(?!${one}))` : `${one}${sign(least, most)}(?!${one})`;
  };

  /** A source that a sign of repetition can follow. */
  const single = (node: PatternNode): string => {
    const source = write(node);
    if (node.kind === "set" || node.kind === "character" || node.kind === "choice") return source;
    return `(?:${source})`;
  };

  const source = write(root);
  return isExpressible ? source : undefined;
}

function sign(least: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return least === 0 ? "*" : least === 1 ? "+" : `{${least},}`;
  if (least === 0 && most === 1) return "?";
  return least === most ? `{${least}}` : `{${least},${most}}`;
}
