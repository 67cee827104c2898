import { TsumugiError } from "../../errors.ts";
import { printable } from "../../util/printable.ts";
import { showValue } from "../../util/show-value.ts";

/** The error of a pattern that is sound but has a part that JavaScript cannot express (`unsupported_tokenizer`). */
export function unsupportedPattern(pattern: string, part: string): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what: `${part} in a regular expression`, given: printable(pattern) });
}

/** The error of a pattern that the Rust library refuses too (`invalid_tokenizer_file`). */
export function invalidPattern(pattern: string, problem: string): TsumugiError {
  const reason = `the regular expression ${showValue(pattern)} ${problem}`;
  return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason });
}
