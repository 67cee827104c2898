import { TemplateFault } from "./fault.ts";
import type { Token } from "./lexer.ts";

const described: { readonly [type: string]: string } = {
  block_begin: "begin of statement block",
  block_end: "end of statement block",
  variable_begin: "begin of print statement",
  variable_end: "end of print statement",
  data: "template data / text",
  eof: "end of template",
};

/** A token for messages. */
export function describe(token: Token): string {
  if (token.type === "number") return "number";
  if (token.type === "string") return "string";
  return described[token.type] ?? token.text;
}

/** The tokens of a template, one after the other. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** The token behind the current one. */
  look(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)] as Token;
  }

  /** Gives the current token and moves on. */
  next(): Token {
    const token = this.current;
    if (token.type !== "eof") this.#at += 1;
    return token;
  }

  isName(...names: string[]): boolean {
    return this.current.type === "name" && names.includes(this.current.text);
  }

  isOperator(...operators: string[]): boolean {
    return this.current.type === "operator" && operators.includes(this.current.text);
  }

  skipName(name: string): boolean {
    const found = this.isName(name);
    if (found) this.next();
    return found;
  }

  skipOperator(operator: string): boolean {
    const found = this.isOperator(operator);
    if (found) this.next();
    return found;
  }

  expect(type: Token["type"], text?: string): Token {
    const token = this.current;
    if (token.type === type && (text === undefined || token.text === text)) return this.next();
    const wanted = text ?? described[type] ?? type;
    if (token.type === "eof") throw this.fail(`unexpected end of template, expected '${wanted}'.`);
    throw this.fail(`expected token '${wanted}', got '${describe(token)}'`);
  }

  fail(message: string, line = this.current.line): TemplateFault {
    return new TemplateFault("TemplateSyntaxError", message, line);
  }
}
