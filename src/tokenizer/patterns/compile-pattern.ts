import { isRecord } from "../../util/json-value.ts";
import { parsePattern } from "./parse-pattern.ts";
import { unsupportedPattern } from "./pattern-error.ts";
import { expressionPattern, literalPattern, type TextPattern } from "./text-pattern.ts";
import { writePattern } from "./write-pattern.ts";

/**
 * A regular expression of a tokenizer.json in JavaScript. Errors: `unsupported_tokenizer` where JavaScript cannot express it,
 * `invalid_tokenizer_file` where the Rust library refuses it too.
 */
export function compilePattern(pattern: string): TextPattern {
  const source = writePattern(parsePattern(pattern), pattern);
  try {
    return expressionPattern(new RegExp(source, "gv"));
  } catch (cause) {
    throw unsupportedPattern(pattern, `a part that JavaScript refuses (${cause instanceof Error ? cause.message : cause})`);
  }
}

/** The pattern that a tokenizer.json gives as `{ "String": … }` or `{ "Regex": … }`; `undefined` for anything else. */
export function patternOf(pattern: unknown): TextPattern | undefined {
  if (!isRecord(pattern)) return undefined;
  if (typeof pattern.String === "string") return literalPattern(pattern.String);
  return typeof pattern.Regex === "string" ? compilePattern(pattern.Regex) : undefined;
}
