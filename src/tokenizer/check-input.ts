import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";

/** Refuses what is no text (`invalid_input`). */
export function checkText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new TsumugiError("invalid_input", {
    what: "The text to tokenize",
    expected: "a string or a list of strings",
    given: text,
  });
}

/** Refuses what `pad` cannot read: it takes `{ inputIds, attentionMask? }`, both lists of rows of one shape. */
export function checkRows(rows: unknown): { inputIds: number[][]; attentionMask?: number[][] } {
  const isRows = (value: unknown) =>
    Array.isArray(value) && value.every((row) => Array.isArray(row) || ArrayBuffer.isView(row));
  if (!isRecord(rows)) {
    throw new TsumugiError("invalid_input", {
      what: "The rows to pad",
      expected: "an object `{ inputIds, attentionMask? }`",
      given: rows,
    });
  }
  const { inputIds, attentionMask } = rows as { inputIds: number[][]; attentionMask?: number[][] };
  const expected = "a list of rows of token ids";
  if (!isRows(inputIds)) throw new TsumugiError("invalid_input", { what: "`inputIds` to pad", expected, given: inputIds });
  if (attentionMask === undefined) return { inputIds };
  const fits =
    isRows(attentionMask) &&
    attentionMask.length === inputIds.length &&
    attentionMask.every((row, index) => row.length === inputIds[index]?.length);
  if (fits) return { inputIds, attentionMask };
  const shape = "a list of rows of the lengths of `inputIds`";
  throw new TsumugiError("invalid_input", { what: "`attentionMask` to pad", expected: shape, given: attentionMask });
}

/** Refuses what is neither a list nor, where `single` names one, a value of that type. */
export function checkList(given: unknown, what: string, expected: string, single?: "number" | "string"): void {
  if (single !== undefined && typeof given === single) return;
  if (typeof given === "object" && given !== null && "length" in given) return;
  throw new TsumugiError("invalid_input", { what, expected, given });
}
