import { TsumugiError } from "../errors.ts";
import { Budget } from "./budget.ts";
import { library, type TemplateNode } from "./jinja.ts";
import { PythonInterpreter } from "./python-interpreter.ts";
import { strftime } from "./strftime.ts";

/** Longest `range()`, as in Jinja's sandbox. */
const longestRange = 100_000;
const parsed = new Map<string, TemplateNode>();

/** Thrown by a template's `raise_exception`. */
class TemplateRaised extends Error {}

/**
 * Renders a Jinja template as transformers does: blocks trimmed, `raise_exception`, `strftime_now`, `range` and `namespace`
 * there, HTML not escaped. Variables win over these names.
 *
 * A template that loops for ever, or makes endless text, is stopped by a count of its steps. Errors: `chat_template_failed`.
 */
export function renderTemplate(template: string, variables: Record<string, unknown>): string {
  const scope = new library.Environment();
  const budget = new Budget();
  const globals = {
    ...{ true: true, false: false, none: null, True: true, False: false, None: null },
    raise_exception: (message: unknown) => {
      throw new TemplateRaised(String(message));
    },
    range: (first: number, second?: number, step?: number) => {
      const numbers = range(first, second, step);
      budget.spend(numbers.length);
      return numbers;
    },
    strftime_now: (format: unknown) => strftime(new Date(), String(format)),
  };
  for (const [name, value] of Object.entries({ ...globals, ...variables })) scope.set(name, value);
  try {
    return String(new PythonInterpreter(scope, budget).run(parseTemplate(template)).value);
  } catch (cause) {
    if (TsumugiError.isInstance(cause)) throw cause;
    const reason = reasonOf(cause);
    throw new TsumugiError("chat_template_failed", { reason, raised: cause instanceof TemplateRaised }, { cause });
  }
}

function parseTemplate(template: string): TemplateNode {
  const known = parsed.get(template);
  if (known) return known;
  const tokens = library.tokenize(template, { lstrip_blocks: true, trim_blocks: true });
  let program: TemplateNode;
  try {
    program = library.parse(tokens);
  } catch (cause) {
    // the parser looks for the end of a block behind the last token
    if (cause instanceof TypeError) throw new Error("the template ends inside a block: an `{% end… %}` is missing", { cause });
    throw cause;
  }
  if (parsed.size >= 64) parsed.clear();
  parsed.set(template, program);
  return program;
}

/** The library's words, or plain ones where it has none. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.message !== "") return cause.message;
  // the library throws these to leave a loop, and they come here where there is none
  if (cause.constructor.name === "BreakControl") return "`break` outside of a loop";
  if (cause.constructor.name === "ContinueControl") return "`continue` outside of a loop";
  return "it gives no reason";
}

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new Error("range() arg 3 must not be zero");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > longestRange) throw new Error(`Range too big. The sandbox blocks ranges larger than ${longestRange}.`);
  return Array.from({ length }, (_, i) => start + i * step);
}
