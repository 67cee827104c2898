import { TsumugiError } from "../errors.ts";
import { Budget } from "./jinja/budget.ts";
import { type CompiledTemplate, compileTemplate } from "./jinja/compile-template.ts";
import { TemplateFault } from "./jinja/fault.ts";
import { type Size, variableFrom } from "./jinja/from-javascript.ts";
import { globals, strftimeNow, TemplateRaised } from "./jinja/globals.ts";
import { parseTemplate } from "./jinja/parse-template.ts";
import type { Runtime } from "./jinja/runtime.ts";
import type { Value } from "./jinja/values.ts";
import { allNamesRead } from "./jinja/walk.ts";
import { strftime } from "./strftime.ts";

/** The longest template that is rendered, in UTF-16 units. Published ones stay below 100,000. */
const longestTemplate = 1 << 20;
interface Kept {
  program: CompiledTemplate;
  names: ReadonlySet<string>;
}

/** How many templates are kept compiled. */
const mostKept = 64;
const compiled = new Map<string, Kept>();
const names: ReadonlyMap<string, Value> = new Map(globals).set("strftime_now", strftimeNow(strftime));

/**
 * Renders a Jinja template as transformers does: Jinja2's immutable sandbox with `trim_blocks`, `lstrip_blocks`, loop
 * controls and `{% generation %}`, `raise_exception`, `strftime_now` and the `tojson` of transformers. HTML is not escaped.
 * Variables win over the names that every template has; functions among them can be called in the template.
 *
 * Everything that a template does counts against a budget that grows with its input, so that none runs for ever.
 *
 * Errors: `chat_template_failed`, `invalid_input` (variables that JSON cannot hold).
 *
 * Source: Jinja2 3.1, transformers 5 `chat_template_utils.py`.
 *
 * @example
 * ```ts
 * renderTemplate("{{ greeting | title }}, {{ names | join(' and ') }}!", { greeting: "hello", names: ["you", "me"] });
 * ```
 */
export function renderTemplate(template: string, variables: Record<string, unknown>): string {
  const size: Size = { units: template.length };
  const values = new Map<string, Value>();
  for (const name of Object.keys(variables)) {
    if (variables[name] !== undefined) values.set(name, variableFrom(variables[name], name, size));
  }
  let runtime: Runtime | undefined;
  try {
    const { program } = compiledOf(template);
    runtime = {
      budget: new Budget(size.units),
      out: "",
      line: 1,
      depth: 0,
      autoescape: false,
      points: { text: "", points: undefined },
    };
    return program(runtime, { variables: values, globals: names });
  } catch (cause) {
    throw failure(cause, runtime?.line);
  }
}

/**
 * Names that a template reads somewhere, whatever it does with them. A variable of another name has no effect on what it writes.
 *
 * Errors: `chat_template_failed` where it cannot be read.
 */
export function namesOfTemplate(template: string): ReadonlySet<string> {
  try {
    return compiledOf(template).names;
  } catch (cause) {
    throw failure(cause, undefined);
  }
}

function compiledOf(template: string): Kept {
  const known = compiled.get(template);
  if (known) return known;
  if (template.length > longestTemplate) {
    throw new TemplateFault("TemplateSyntaxError", `it is longer than ${longestTemplate} characters`);
  }
  const statements = parseTemplate(template);
  const made = { program: compileTemplate(statements, new Budget(template.length)), names: allNamesRead(statements) };
  if (compiled.size >= mostKept) compiled.delete(compiled.keys().next().value as string);
  compiled.set(template, made);
  return made;
}

/** Says what went wrong: in a template's own words where it raised an error, else with the error's kind and line. */
function failure(cause: unknown, line: number | undefined): unknown {
  if (TsumugiError.isInstance(cause)) return cause;
  if (cause instanceof TemplateRaised)
    return new TsumugiError("chat_template_failed", { reason: cause.message, raised: true }, { cause });
  if (cause instanceof TemplateFault) {
    const at = cause.line ?? line;
    const reason = `${cause.message}${at === undefined ? "" : ` (${cause.kind}, line ${at} of the template)`}`;
    return new TsumugiError("chat_template_failed", { reason, raised: false }, { cause });
  }
  // JavaScript's own stack ends before a budget does
  if (cause instanceof RangeError) {
    return new TsumugiError(
      "chat_template_failed",
      { reason: "it nests its values or its calls too deep", raised: false },
      { cause },
    );
  }
  return cause;
}
