import { TsumugiError } from "../errors.ts";
import { listOf } from "../util/json-value.ts";

/**
 * Merges as ids: left, right, made. As tokenizers: a line `#version` is passed over, and a merge must be two tokens that make
 * a third. Errors: `invalid_tokenizer_file`.
 */
export function readMerges(merges: unknown, ids: ReadonlyMap<string, number>, prefix: string): Int32Array {
  const list = listOf(merges);
  const table = new Int32Array(list.length * 3);
  let count = 0;
  for (const [index, merge] of list.entries()) {
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const refuse = (problem: string) => {
      const reason = `\`model.merges[${index}]\`, ${JSON.stringify(merge)}, ${problem}`;
      return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason });
    };
    if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[0] !== "string" || typeof parts[1] !== "string")
      throw refuse("is not a pair of tokens");
    const [left, right] = parts as [string, string];
    const result = left + right.slice(prefix.length);
    const first = ids.get(left);
    const second = ids.get(right);
    const made = ids.get(result);
    if (first === undefined || second === undefined || made === undefined) {
      const missing = first === undefined ? left : second === undefined ? right : result;
      throw refuse(`needs the token ${JSON.stringify(missing)}, which \`model.vocab\` lacks`);
    }
    table[count++] = first;
    table[count++] = second;
    table[count++] = made;
  }
  return table.subarray(0, count);
}
