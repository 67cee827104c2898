/**
 * What goes wrong in a template, named as Python names it: "TypeError", "UndefinedError", "TemplateSyntaxError".
 *
 * It never leaves `renderTemplate`, which turns it into a `chat_template_failed`.
 */
export class TemplateFault extends Error {
  readonly kind: string;
  /** Line of the template, from 1, where it is known. */
  readonly line: number | undefined;

  constructor(kind: string, message: string, line?: number) {
    super(message);
    this.kind = kind;
    this.line = line;
  }
}

/** An operation that has no meaning for a value of its type. */
export function typeError(message: string): TemplateFault {
  return new TemplateFault("TypeError", message);
}

/** A value of the right type that cannot be used. */
export function valueError(message: string): TemplateFault {
  return new TemplateFault("ValueError", message);
}
