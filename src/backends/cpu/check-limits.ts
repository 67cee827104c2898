import { TsumugiError } from "../../errors.ts";
import type { Model } from "../../ops/program.ts";
import type { Limits } from "../backend.ts";

/** Throws `limits_invalid` for limits that the cpu backend cannot serve. */
export function checkLimits(model: Model, limits: Limits): void {
  const fail = (limit: string, expected: string, given: unknown): never => {
    throw new TsumugiError("limits_invalid", { limit, expected, given: given ?? "nothing" });
  };
  const positive = (limit: string, given: unknown) => {
    if (!Number.isInteger(given) || (given as number) < 1 || (given as number) > 2 ** 30) {
      fail(limit, `an integer from 1 to ${2 ** 30}`, given);
    }
  };
  positive("maxTokens", limits.maxTokens);
  positive("maxSequences", limits.maxSequences);
  positive("maxLogitRows", limits.maxLogitRows);
  if (!["float32", "bfloat16"].includes(limits.activation)) fail("activation", "float32 or bfloat16", limits.activation);
  if (!["float32", "bfloat16", "int8"].includes(limits.cache)) fail("cache", "float32, bfloat16 or int8", limits.cache);
  for (const { name } of model.states) {
    positive(`blocks.${name}`, limits.blocks[name]);
  }
  for (const tap of limits.taps) {
    if (model.programs.decode.outputs[tap] === undefined) {
      fail("taps", `outputs of the program (${Object.keys(model.programs.decode.outputs).join(", ")})`, tap);
    }
  }
}
