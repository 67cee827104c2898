import type { PatternNode } from "./syntax.ts";

/** Whether a pattern can match the empty text. */
export function canBeEmpty(node: PatternNode): boolean {
  switch (node.kind) {
    case "character":
    case "set":
    case "text":
      return false;
    case "place":
    case "look":
    case "reference":
      return true;
    case "sequence":
      return node.nodes.every(canBeEmpty);
    case "choice":
      return node.nodes.some(canBeEmpty);
    case "capture":
    case "atomic":
      return canBeEmpty(node.node);
    case "repeat":
      return node.least === 0 || canBeEmpty(node.node);
  }
}

/**
 * Whether a pattern may match the empty text although it could match more. Oniguruma then ends a repetition; JavaScript makes
 * it match more.
 */
export function mayStopEmpty(node: PatternNode): boolean {
  if (!canBeEmpty(node)) return false;
  switch (node.kind) {
    case "sequence":
      return node.nodes.some(mayStopEmpty);
    case "choice":
      return node.nodes.slice(0, -1).some(canBeEmpty) || node.nodes.some(mayStopEmpty);
    case "capture":
      return mayStopEmpty(node.node);
    case "repeat":
      return node.how === "lazy" || mayStopEmpty(node.node);
    default:
      return false;
  }
}
