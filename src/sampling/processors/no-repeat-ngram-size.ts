import { whole } from "../validate.ts";
import { ban, overHistory, type ProcessorDefinition } from "./definition.ts";

/** No n-gram twice (Paulus et al., 2017), prompt and pads included. */
export const noRepeatNgramSize: ProcessorDefinition = {
  name: "noRepeatNgramSize",
  order: 5,
  sampling: false,
  default: 0,
  description: "No sequence of this many tokens comes twice, the prompt included.",
  parse: whole(0),
  off: (value) => value === 0,
  create: (value, { promptTokens, vocabularySize }) =>
    overHistory(promptTokens, (history) => {
      const banned = continuations(history, history, value, vocabularySize);
      return banned.size > 0 ? [ban(banned)] : [];
    }),
};

/** Tokens that follow, anywhere in `text`, the last n − 1 tokens of `history`. */
export function continuations(
  text: readonly number[],
  history: readonly number[],
  size: number,
  vocabularySize: number,
): Set<number> {
  const found = new Set<number>();
  const suffix = history.length - size + 1;
  if (suffix < 0) return found;
  for (let end = size - 1; end < text.length; end++) {
    let length = size - 1;
    while (length > 0 && text[end - length] === history[suffix + size - 1 - length]) length--;
    if (length === 0 && text[end]! < vocabularySize) found.add(text[end]!);
  }
  return found;
}
