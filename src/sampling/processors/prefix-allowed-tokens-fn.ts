import { TsumugiError } from "../../errors.ts";
import { refusePromise } from "../../util/callback-guard.ts";
import { callable, fail } from "../../util/schemas.ts";
import { defineProcessor, overHistory } from "./definition.ts";

/**
 * Says which tokens may come next.
 *
 * @param row index of the row among the call's rows, copies counted; with beams, of its prompt
 * @param inputIds prompt (pads included) and new tokens
 */
export type PrefixAllowedTokensFn = (row: number, inputIds: readonly number[]) => Iterable<number>;

declare module "../options.ts" {
  interface SamplingOptions {
    /** Says which tokens may come next: (row, inputIds) => ids. An option of a call. */
    prefixAllowedTokensFn?: PrefixAllowedTokensFn | null | undefined;
  }
}

/** Keeps only the tokens that a function allows (De Cao et al., 2020). */
export const prefixAllowedTokensFn = defineProcessor({
  name: "prefixAllowedTokensFn",
  order: 10,
  sampling: false,
  default: null,
  callOnly: true,
  description: "A function `(row, inputIds) => ids` that gives the tokens allowed next.",
  schema: callable<PrefixAllowedTokensFn>("a function (row, inputIds)"),
  off: () => false,
  create: (allow, context) =>
    overHistory(context.promptTokens, (history, row) => {
      const allowed = readAllowed(allow(row, history), context.vocabularySize);
      if (allowed.length === 0) {
        throw new TsumugiError("invalid_option", {
          option: "prefixAllowedTokensFn",
          expected: `a function that allows at least one token (row ${row}, ${history.length} tokens)`,
          found: "none allowed",
        });
      }
      return [{ kind: "allow", tokens: allowed, force: context.beams === 1 }];
    }),
});

/** Reads what the function gave, which may be anything. */
function readAllowed(given: unknown, vocabularySize: number): Int32Array {
  const expected = `a function that gives a list of token ids from 0 to ${vocabularySize - 1}`;
  const refuse = (value: unknown) => fail("prefixAllowedTokensFn", expected, value);
  refusePromise(given, "prefixAllowedTokensFn", expected);
  if (typeof given !== "object" || given === null || !(Symbol.iterator in given)) return refuse(given);
  const ids: unknown[] = [...(given as Iterable<unknown>)];
  const isToken = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabularySize;
  const bad = ids.find((id) => !isToken(id));
  if (bad === undefined && !ids.includes(undefined)) return Int32Array.from(ids as number[]);
  return refuse(typeof bad === "number" ? bad : [bad]);
}
