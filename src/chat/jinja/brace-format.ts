import { escaped } from "./escape.ts";
import { TemplateFault, valueError } from "./fault.ts";
import { formatValue } from "./format-spec.ts";
import { asciiText, repr, textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { Markup, type NamedArguments, type Value } from "./values.ts";

/** How fields reach into values: as `value.name` and `value[key]` of templates do. */
export interface Lookups {
  attribute(runtime: Runtime, value: Value, name: string): Value;
  item(runtime: Runtime, value: Value, key: Value): Value;
}

/** Arguments of one `str.format`, and how its automatic numbers stand. */
interface Fields {
  positional: readonly Value[];
  named: NamedArguments;
  /** The next automatic number; undefined once a number was written. */
  automatic: number | undefined;
  isSafe: boolean;
  lookups: Lookups;
}

/** `format.format(...)` in Jinja's sandbox: fields reach what templates may reach. */
export function braceFormat(
  runtime: Runtime,
  format: string,
  positional: readonly Value[],
  named: NamedArguments,
  isSafe: boolean,
  lookups: Lookups,
): string {
  return expand(runtime, format, { positional, named, automatic: 0, isSafe, lookups }, 2);
}

function expand(runtime: Runtime, format: string, fields: Fields, depth: number): string {
  if (depth < 0) throw valueError("Max string recursion exceeded");
  runtime.budget.text(format.length);
  let out = "";
  for (let at = 0; at < format.length; ) {
    const character = format[at] as string;
    if (character !== "{" && character !== "}") {
      const end = nextBrace(format, at);
      out += format.slice(at, end);
      at = end;
    } else if (format[at + 1] === character) {
      out += character;
      at += 2;
    } else if (character === "}") {
      throw valueError("Single '}' encountered in format string");
    } else {
      const end = closing(format, at);
      const part = field(runtime, format.slice(at + 1, end), fields, depth);
      runtime.budget.text(part.length);
      out += part;
      at = end + 1;
    }
  }
  return out;
}

function nextBrace(format: string, from: number): number {
  for (let at = from; at < format.length; at++) if (format[at] === "{" || format[at] === "}") return at;
  return format.length;
}

function closing(format: string, open: number): number {
  let depth = 0;
  for (let at = open; at < format.length; at++) {
    if (format[at] === "{") depth += 1;
    else if (format[at] === "}") {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  throw valueError(
    open === format.length - 1 ? "Single '{' encountered in format string" : "expected '}' before end of string",
  );
}

function field(runtime: Runtime, source: string, fields: Fields, depth: number): string {
  const match = /^((?:[^!:[\]]|\[[^\]]*\])*)(?:!([\s\S]?))?(?::([\s\S]*))?$/.exec(source);
  if (!match) throw valueError("expected ':' after conversion specifier");
  const [, name = "", conversion, spec = ""] = match;
  let value = resolve(runtime, name, fields);
  if (conversion === "r") value = repr(runtime, value);
  else if (conversion === "a") value = asciiText(runtime, value);
  else if (conversion === "s") value = textFrom(runtime, value);
  else if (conversion !== undefined) throw valueError(`Unknown conversion specifier '${conversion}'`);
  const inner = spec.includes("{") ? expand(runtime, spec, fields, depth - 1) : spec;
  const text = formatValue(runtime, value, inner);
  return fields.isSafe && !(value instanceof Markup) ? escaped(runtime, text).text : text;
}

function resolve(runtime: Runtime, name: string, fields: Fields): Value {
  const first = (/^[^.[]*/.exec(name) as RegExpExecArray)[0];
  // as in Python's Formatter: only a field without any path is numbered by itself
  if (first === "" && name !== "") throw new TemplateFault("KeyError", "''");
  let value = argument(first, fields);
  const path = /\.([^.[]*)|\[([^\]]*)\]/g;
  path.lastIndex = first.length;
  for (let at = first.length; at < name.length; at = path.lastIndex) {
    const part = path.exec(name);
    if (!part || part.index !== at) throw valueError("Only '.' or '[' may follow ']' in format field specifier");
    if (part[1] === "" || part[2] === "") throw valueError("Empty attribute in format string");
    if (part[1] !== undefined) value = fields.lookups.attribute(runtime, value, part[1]);
    else value = fields.lookups.item(runtime, value, /^\d+$/.test(part[2] as string) ? Number(part[2]) : (part[2] as string));
  }
  return value;
}

function argument(name: string, fields: Fields): Value {
  if (name !== "" && !/^\d+$/.test(name)) {
    const value = fields.named?.get(name);
    if (value === undefined) throw new TemplateFault("KeyError", `'${name}'`);
    return value;
  }
  if (name === "" && fields.automatic === undefined) {
    throw valueError("cannot switch from manual field specification to automatic field numbering");
  }
  if (name !== "" && fields.automatic) {
    throw valueError("cannot switch from automatic field numbering to manual field specification");
  }
  const index = name === "" ? (fields.automatic as number) : Number(name);
  fields.automatic = name === "" ? index + 1 : undefined;
  const value = fields.positional[index];
  if (value === undefined) {
    throw new TemplateFault("IndexError", `Replacement index ${index} out of range for positional args tuple`);
  }
  return value;
}
