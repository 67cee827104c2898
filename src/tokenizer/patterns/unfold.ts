import { negatedSet } from "./character-sets.ts";
import { foldedSet, foldedText } from "./folded-text.ts";
import { unsupportedPattern } from "./pattern-error.ts";
import type { PatternNode } from "./syntax.ts";

/**
 * The same pattern without `(?i)`: characters and sets that match whatever the case become the sets that they stand for. Those
 * that stand side by side are taken together: `ss` matches `ß`. Error: `unsupported_tokenizer`.
 */
export function unfold(node: PatternNode, pattern: string): PatternNode {
  switch (node.kind) {
    case "character":
      return node.fold ? joined(foldedText([node.code])) : node;
    case "set":
      if (node.fold) return foldedSet(node);
      return node.negated ? { ...node, set: negatedSet(node.set), negated: false } : node;
    case "sequence": {
      const nodes: PatternNode[] = [];
      for (let i = 0; i < node.nodes.length; ) {
        const codes: number[] = [];
        for (; i < node.nodes.length; i++) {
          const next = node.nodes[i]!;
          if (next.kind !== "character" || !next.fold) break;
          codes.push(next.code);
        }
        if (codes.length > 0) nodes.push(...foldedText(codes));
        else nodes.push(unfold(node.nodes[i++]!, pattern));
      }
      return joined(nodes);
    }
    case "choice":
      return { kind: "choice", nodes: node.nodes.map((each) => unfold(each, pattern)) };
    case "repeat":
      return merged({ ...node, node: unfold(node.node, pattern) });
    case "capture":
    case "atomic":
    case "look":
      return { ...node, node: unfold(node.node, pattern) };
    case "reference":
      if (node.fold) throw unsupportedPattern(pattern, "a reference under (?i)");
      return node;
    default:
      return node;
  }
}

/** `\p{N}{1,3}+` repeats a repetition in Ruby's syntax: it is `\p{N}+`. */
function merged(node: PatternNode & { kind: "repeat" }): PatternNode {
  const inner = node.node;
  const isRow = node.least === 1 && node.most === Number.POSITIVE_INFINITY && node.how === "greedy";
  if (!isRow || inner.kind !== "repeat" || inner.least !== 1 || inner.how !== "greedy") return node;
  return inner.node.kind === "set" || inner.node.kind === "character" ? { ...node, node: inner.node } : node;
}

function joined(nodes: PatternNode[]): PatternNode {
  return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
}
