import type { Processor } from "../processor.ts";
import { constant } from "./definition.ts";

/** Bans the end tokens for the next `remaining` tokens. Shared by minLength and minNewTokens. */
export function banEnds(eosTokenIds: readonly number[], vocabularySize: number, remaining: number): Processor {
  const tokens = Int32Array.from(eosTokenIds.filter((token) => token < vocabularySize));
  if (tokens.length === 0) return constant();
  return count(tokens, new Float32Array(tokens.length).fill(-Infinity), remaining);
}

function count(tokens: Int32Array, values: Float32Array, remaining: number): Processor {
  return {
    steps: () => (remaining > 0 ? [{ kind: "edit", how: "set", tokens, values }] : []),
    accept() {
      remaining--;
    },
    fork: () => count(tokens, values, remaining),
  };
}
