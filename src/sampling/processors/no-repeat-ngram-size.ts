import { whole } from "../../util/schemas.ts";
import { ban, defineProcessor, overHistory } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Lets no sequence of this many tokens come twice, prompt included. Default 0: off. */
    noRepeatNgramSize?: number | null | undefined;
  }
}

/** Lets no n-gram come twice (Paulus et al., 2017), prompt and pads included. */
export const noRepeatNgramSize = defineProcessor({
  name: "noRepeatNgramSize",
  order: 5,
  sampling: false,
  default: 0,
  description: "No sequence of this many tokens comes twice, the prompt included.",
  schema: whole(0),
  offInFiles: (value) => typeof value === "number" && value < 0,
  off: (value) => value === 0,
  create: (value, { promptTokens, vocabularySize }) =>
    overHistory(promptTokens, (history) => {
      const banned = continuations(history, history, value, vocabularySize);
      return banned.size > 0 ? [ban(banned)] : [];
    }),
});

/** The tokens that follow the last n − 1 tokens of `history` anywhere in `text`. */
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
