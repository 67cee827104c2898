import { z } from "zod";
import { TsumugiError } from "../../errors.ts";
import { refusePromise } from "../../util/callback-guard.ts";
import { expects } from "../../util/schemas.ts";
import { defineProcessor, overHistory } from "./definition.ts";

/**
 * A processor of the caller. It is called once for each row and new token.
 *
 * @param inputIds prompt (pads included) and new tokens of the row
 * @param scores [vocabulary] float32. Change them in place, or return others of the same length
 * @param row index of the output row in its batch
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` is the common case
export type LogitsProcessorFunction = (inputIds: readonly number[], scores: Float32Array, row: number) => Float32Array | void;

/** A function, or an object with it as `process`. */
export type LogitsProcessor = LogitsProcessorFunction | { process: LogitsProcessorFunction };

const isProcessor = (item: unknown): item is LogitsProcessor =>
  typeof item === "function" || typeof (item as { process?: unknown } | null | undefined)?.process === "function";

const schema = expects(
  "a list of functions (inputIds, scores), or of objects with `process`",
  z.array(
    expects("made of functions (inputIds, scores), or of objects with `process`", z.custom<LogitsProcessor>(isProcessor)),
  ),
).transform((list) =>
  list.map((item): LogitsProcessorFunction => {
    if (typeof item === "function") return item;
    return (inputIds, scores, row) => item.process(inputIds, scores, row);
  }),
);

declare module "../options.ts" {
  interface SamplingOptions {
    /** Runs your functions (inputIds, scores, row) before temperature and the warpers, but after all others. For calls only. */
    logitsProcessor?: readonly LogitsProcessor[] | null | undefined;
  }
}

/** Runs the caller's own processors after all others, but before temperature and the warpers after it. */
export const logitsProcessor = defineProcessor({
  name: "logitsProcessor",
  order: 17,
  sampling: false,
  default: null,
  callOnly: true,
  description:
    "Functions of your own, `(inputIds, scores, row) => …`, or objects with `process`; they change `scores` or give others.",
  schema,
  off: (value) => value.length === 0,
  create: (functions, { promptTokens }) =>
    overHistory(promptTokens, (history, row) =>
      functions.map((process) => ({
        kind: "call",
        apply(scores) {
          const result = process(history, scores, row);
          if (result === undefined || result === scores) return;
          const expected = `made of functions that give nothing or a Float32Array of ${scores.length} scores`;
          refusePromise(result, "logitsProcessor", expected);
          if (!(result instanceof Float32Array) || result.length !== scores.length) {
            throw new TsumugiError("invalid_option", { option: "logitsProcessor", expected, found: describe(result) });
          }
          scores.set(result);
        },
      })),
    ),
});

function describe(result: unknown): string {
  return result instanceof Float32Array ? `one of ${result.length}` : Object.prototype.toString.call(result);
}
