import { TsumugiError } from "../../errors.ts";
import { fail, type OptionParser } from "../validate.ts";
import { overHistory, type ProcessorDefinition } from "./definition.ts";

/**
 * A processor of your own, called once for each row and new token.
 *
 * @param inputIds prompt (pads included) and new tokens of the row
 * @param scores [vocabulary] float32, to change in place; or give back others of the same length
 * @param row index of the output row in its batch
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` is the common case
export type LogitsProcessorFunction = (inputIds: readonly number[], scores: Float32Array, row: number) => Float32Array | void;

/** A function, or an object with it as `process`. */
export type LogitsProcessor = LogitsProcessorFunction | { process: LogitsProcessorFunction };

const parse: OptionParser<LogitsProcessorFunction[]> = (value, option) => {
  if (!Array.isArray(value)) return fail(option, "a list of functions (inputIds, scores), or of objects with `process`", value);
  return value.map((item: LogitsProcessor | null) => {
    if (typeof item === "function") return item;
    if (typeof item?.process === "function") return (inputIds, scores, row) => item.process(inputIds, scores, row);
    return fail(option, "made of functions (inputIds, scores), or of objects with `process`", item);
  });
};

/** The caller's own processors: behind all others, in front of temperature and the warpers behind it. */
export const logitsProcessor: ProcessorDefinition<LogitsProcessorFunction[]> = {
  name: "logitsProcessor",
  order: 17,
  sampling: false,
  default: null,
  callOnly: true,
  description: "Functions (inputIds, scores) of your own, before temperature.",
  parse,
  off: (value) => value.length === 0,
  create: (functions, { promptTokens }) =>
    overHistory(promptTokens, (history, row) =>
      functions.map((process) => ({
        kind: "call",
        apply(scores) {
          const result = process(history, scores, row);
          if (result === undefined || result === scores) return;
          if (!(result instanceof Float32Array) || result.length !== scores.length) {
            const expected = `functions that give nothing or a Float32Array of ${scores.length} scores`;
            throw new TsumugiError("invalid_option", { option: "logitsProcessor", expected, found: describe(result) });
          }
          scores.set(result);
        },
      })),
    ),
};

function describe(result: unknown): string {
  return result instanceof Float32Array ? `one of ${result.length}` : Object.prototype.toString.call(result);
}
