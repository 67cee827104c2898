import { showValue } from "../util/show-value.ts";
import { wrongEntry, wrongField } from "./field-checks.ts";

/** Merges between two turns of the generator. */
const sliceOfMerges = 4096;

/**
 * Merges as ids, in steps: left, right, made. As tokenizers: a line `#version` is passed over, and a merge must be two tokens that make
 * a third. Errors: `invalid_tokenizer_file`.
 */
export function* readMerges(merges: unknown, ids: ReadonlyMap<string, number>, prefix: string): Generator<void, Int32Array> {
  if (!Array.isArray(merges)) throw wrongField("model.merges", "a list", merges);
  const list: unknown[] = merges;
  const inOneText = typeof list[0] === "string";
  const table = new Int32Array(list.length * 3);
  let count = 0;
  for (let index = 0; index < list.length; index++) {
    if (index % sliceOfMerges === sliceOfMerges - 1) yield;
    const merge = list[index];
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const refuse = (problem: string) => wrongEntry(`model.merges[${index}]`, merge, problem);
    if ((typeof merge === "string") !== inOneText) throw refuse("is not written as the first one is");
    if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[0] !== "string" || typeof parts[1] !== "string")
      throw refuse("is not a pair of tokens");
    const [left, right] = parts as [string, string];
    if (prefix !== "" && right.length < prefix.length) throw refuse(`has a second token shorter than ${showValue(prefix)}`);
    const result = left + right.slice(prefix.length);
    const first = ids.get(left);
    const second = ids.get(right);
    const made = ids.get(result);
    if (first === undefined || second === undefined || made === undefined) {
      const missing = first === undefined ? left : second === undefined ? right : result;
      throw refuse(`needs the token ${showValue(missing)}, which \`model.vocab\` lacks`);
    }
    table[count++] = first;
    table[count++] = second;
    table[count++] = made;
  }
  return table.subarray(0, count);
}
