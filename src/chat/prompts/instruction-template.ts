import { TsumugiError } from "../../errors.ts";

/** The names of the fields in a template: `"a {x} b {y}"` gives `"x" | "y"`. A template known only at run time gives `string`. */
export type FieldsOf<Template extends string> = string extends Template
  ? string
  : Template extends `${string}{{${infer Rest}`
    ? FieldsOf<Rest>
    : Template extends `${string}{${infer Name}}${infer Rest}`
      ? Name | FieldsOf<Rest>
      : never;

/** Values for a template's fields. Numbers are written as JavaScript writes them. */
export type FieldValues<Template extends string> = Record<FieldsOf<Template>, string | number>;

/** An instruction with gaps: call it with its fields to fill them. */
export interface InstructionTemplate<Template extends string = string> {
  (fields: FieldValues<Template>): string;
  /** The names of the fields, in the order in which they first appear. */
  readonly fields: readonly FieldsOf<Template>[];
  readonly template: Template;
}

/**
 * An instruction with named fields: `{name}` is filled, `{{` and `}}` are braces, as in Python's `str.format`; names
 * are letters, digits, `_`, `$`, `-` and spaces, without formats (`{x:>10}`), attributes or indices. TypeScript
 * knows the names, so a forgotten field does not compile. Values go in as they are; braces in them mean nothing.
 *
 * Errors: `invalid_input` for a template with a stray brace or a field that is no name, `invalid_option` for fields that are missing, unknown or neither
 * text nor number.
 *
 * @example
 * ```ts
 * const translate = instructionTemplate("Translate to {language}:\nEnglish: {text}\n{language}:");
 * translate({ language: "Japanese", text: "Tell me a story about a dragon." });
 * ```
 */
export function instructionTemplate<const Template extends string>(template: Template): InstructionTemplate<Template> {
  if (typeof template !== "string")
    throw new TsumugiError("invalid_input", { what: "The instruction template", expected: "a string", given: template });
  const parts = parse(template);
  const fields = [...new Set(parts.flatMap((part) => (typeof part === "string" ? [] : [part.field])))];
  const fill = (values: Record<string, unknown>): string => {
    if (typeof values !== "object" || values === null)
      throw new TsumugiError("invalid_input", { what: "The fields of the template", expected: "an object", given: values });
    for (const name of Object.keys(values))
      if (!fields.includes(name) && values[name] !== undefined) throw wrong(name, `one of ${list(fields)}`, values[name]);
    for (const name of fields) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (typeof value !== "string" && typeof value !== "number") throw wrong(name, "text or a number", value);
    }
    return parts.map((part) => (typeof part === "string" ? part : String(values[part.field]))).join("");
  };
  return Object.assign(fill, { fields, template }) as unknown as InstructionTemplate<Template>;
}

function parse(template: string): (string | { field: string })[] {
  const parts: (string | { field: string })[] = [];
  const token = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
  let done = 0;
  for (const found of template.matchAll(token)) {
    parts.push(template.slice(done, found.index));
    done = found.index + found[0].length;
    if (found[0] === "{{" || found[0] === "}}") parts.push(found[0].slice(1));
    else if (found[1] !== undefined && /^[\p{L}\p{M}\p{N}_$ -]*$/u.test(found[1]) && found[1].trim() !== "")
      parts.push({ field: found[1] });
    else
      throw new TsumugiError("invalid_input", {
        what: "The instruction template",
        expected: "`{name}` for fields (no format, no attribute, no index), and `{{` and `}}` for braces",
        given: template.slice(Math.max(0, found.index - 10), found.index + 20),
      });
  }
  parts.push(template.slice(done));
  return parts.filter((part) => part !== "");
}

function wrong(field: string, expected: string, given: unknown): TsumugiError {
  return new TsumugiError("invalid_option", { option: field, expected, given });
}

function list(fields: readonly string[]): string {
  return fields.length === 0 ? "no field" : fields.map((name) => `\`${name}\``).join(", ");
}
