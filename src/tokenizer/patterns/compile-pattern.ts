import { isRecord } from "../../util/json-value.ts";
import { isLinear } from "./backtracking.ts";
import { machineCode } from "./machine-code.ts";
import { parsePattern } from "./parse-pattern.ts";
import type { PatternNode } from "./syntax.ts";
import { expressionPattern, literalPattern, machinePattern, type TextPattern } from "./text-pattern.ts";
import { unfold } from "./unfold.ts";
import { writePattern } from "./write-pattern.ts";

/**
 * A regular expression of a tokenizer.json: JavaScript's own where it takes steps in proportion to a text, else a machine that
 * does, which is slower by far. Errors: `unsupported_tokenizer` where neither can express it, `invalid_tokenizer_file` where the
 * Rust library refuses it too.
 */
export function compilePattern(pattern: string): TextPattern {
  let found = compiled.get(pattern);
  if (!found) {
    found = compile(pattern);
    if (compiled.size >= mostRemembered) compiled.clear();
    compiled.set(pattern, found);
  }
  return found;
}

/** Decoders are made anew for each text: their patterns are remembered. */
const compiled = new Map<string, TextPattern>();
const mostRemembered = 64;

function compile(pattern: string): TextPattern {
  const node = unfold(parsePattern(pattern), pattern);
  const expression = isLinear(node) ? expressionOf(node) : undefined;
  return expression ? expressionPattern(expression) : machinePattern(machineCode(node, pattern));
}

/** V8 takes milliseconds for each property of Unicode in an expression; patterns of tokenizers have some fifty. */
const mostProperties = 200;

/** The pattern in JavaScript; undefined where it cannot be written so, or would be compiled for seconds. */
function expressionOf(node: PatternNode): RegExp | undefined {
  const source = writePattern(node);
  if (source === undefined || (source.match(/\\p\{/gi)?.length ?? 0) > mostProperties) return undefined;
  try {
    const expression = new RegExp(source, "gv");
    // V8 compiles an expression when it is first used, once for each width of text, and may find it too large only then.
    for (const text of ["a", "\u3042"]) text.replace(expression, "");
    return expression;
  } catch {
    return undefined;
  }
}

/** The pattern that a tokenizer.json gives as `{ "String": … }` or `{ "Regex": … }`; `undefined` for anything else. */
export function patternOf(pattern: unknown): TextPattern | undefined {
  if (!isRecord(pattern)) return undefined;
  if (typeof pattern.String === "string") return literalPattern(pattern.String);
  return typeof pattern.Regex === "string" ? compilePattern(pattern.Regex) : undefined;
}
