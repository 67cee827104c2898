import { isPythonSpace } from "../../util/python-space.ts";
import { TemplateFault } from "./fault.ts";
import { integerFromDigits } from "./literals.ts";
import { Float, type Value } from "./values.ts";

/** One token: text outside of tags, the marks of tags, and what stands in them. */
export interface Token {
  type:
    | "data"
    | "variable_begin"
    | "variable_end"
    | "block_begin"
    | "block_end"
    | "name"
    | "string"
    | "number"
    | "operator"
    | "eof";
  /** Text of data, names, strings and operators. */
  text: string;
  /** Value of a number. */
  value?: Value;
  line: number;
}

const operators = ["//", "**", "==", "!=", ">=", "<=", ..."+-/*%~[](){}><=.:|,;"];
const closers: { readonly [open: string]: string } = { "(": ")", "[": "]", "{": "}" };
const float = /(?<!\.)(\d+_)*\d+((\.(\d+_)*\d+)?e[+-]?(\d+_)*\d+|\.(\d+_)*\d+)/iy;
const whole = /0b(_?[01])+|0o(_?[0-7])+|0x(_?[\da-f])+|[1-9](_?\d)*|0(_?0)*/iy;
const name = /[\p{XID_Start}_]\p{XID_Continue}*/uy;

/**
 * Cuts a template into tokens as Jinja2 does with `trim_blocks` and `lstrip_blocks`: line ends of any kind are "\n", a last
 * one goes; the line end behind a block goes, and white space in front of a block that begins its line. Every step moves
 * forward, so that it takes linear time.
 */
export class Lexer {
  readonly #source: string;
  #at = 0;
  #line = 1;
  #tokens: Token[] = [];

  constructor(template: string) {
    const source = template.replace(/\r\n?/g, "\n");
    this.#source = source.endsWith("\n") ? source.slice(0, -1) : source;
  }

  tokens(): Token[] {
    while (this.#at < this.#source.length) this.#root();
    this.#push("eof", "");
    return this.#tokens;
  }

  #push(type: Token["type"], text: string, value?: Value): void {
    this.#tokens.push({ type, text, line: this.#line, ...(value !== undefined && { value }) });
  }

  #fail(message: string): TemplateFault {
    return new TemplateFault("TemplateSyntaxError", message, this.#line);
  }

  /** Moves on, counting lines. */
  #skipTo(end: number): void {
    for (let at = this.#at; at < end; at++) if (this.#source.charCodeAt(at) === 10) this.#line += 1;
    this.#at = end;
  }

  /** Text up to the next tag, and the tag. */
  #root(): void {
    const source = this.#source;
    const start = this.#at;
    let open = source.indexOf("{", start);
    while (open >= 0 && !"{%#".includes(source[open + 1] || " ")) open = source.indexOf("{", open + 1);
    if (open < 0) {
      this.#push("data", source.slice(start));
      this.#skipTo(source.length);
      return;
    }
    const kind = source[open + 1] as string;
    const sign = /[-+]/.test(source[open + 2] ?? "") ? (source[open + 2] as string) : "";
    const text = this.#stripped(source.slice(start, open), kind, sign);
    if (text !== "") this.#push("data", text);
    this.#skipTo(open + 2 + sign.length);
    if (kind === "#") this.#comment();
    else if (kind === "{") this.#tag("variable");
    else if (!this.#raw()) this.#tag("block");
  }

  /** Text in front of a tag without the white space that the tag takes. */
  #stripped(text: string, kind: string, sign: string): string {
    if (sign === "-") return trimEnd(text);
    if (sign === "+" || kind === "{") return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    const startsLine = lineStart > 0 || this.#at === 0 || this.#source[this.#at - 1] === "\n";
    const blank = trimEnd(text.slice(lineStart)) === "";
    return startsLine && blank ? text.slice(0, lineStart) : text;
  }

  #comment(): void {
    const end = this.#source.indexOf("#}", this.#at);
    if (end < 0) throw this.#fail("Missing end of comment tag");
    const sign = end > this.#at ? (this.#source[end - 1] as string) : "";
    this.#skipTo(end + 2);
    this.#afterBlock(sign);
  }

  /** What a block's end takes: with "-" all white space behind it, else one line end, with "+" nothing. */
  #afterBlock(sign: string): void {
    if (sign === "-") this.#skipSpace();
    else if (sign !== "+" && this.#source[this.#at] === "\n") this.#skipTo(this.#at + 1);
  }

  #skipSpace(): void {
    let end = this.#at;
    while (end < this.#source.length && isPythonSpace(this.#source.charCodeAt(end))) end += 1;
    this.#skipTo(end);
  }

  /** `{% raw %}`: its text as it stands. The block mark has been read. */
  #raw(): boolean {
    const begin = /^[\s\x1c-\x1f\x85]*raw[\s\x1c-\x1f\x85]*(-?)%\}/.exec(this.#source.slice(this.#at, this.#at + 4096));
    if (!begin) return false;
    this.#skipTo(this.#at + begin[0].length);
    if (begin[1]) this.#skipSpace();
    const ending = /\{%([-+]?)[\s\x1c-\x1f\x85]*endraw[\s\x1c-\x1f\x85]*([-+]?)%\}/g;
    ending.lastIndex = this.#at;
    const end = ending.exec(this.#source);
    if (!end) throw this.#fail("Missing end of raw directive");
    const text = this.#stripped(this.#source.slice(this.#at, end.index), "%", end[1] as string);
    if (text !== "") this.#push("data", text);
    this.#skipTo(ending.lastIndex);
    this.#afterBlock(end[2] as string);
    return true;
  }

  #tag(kind: "variable" | "block"): void {
    const source = this.#source;
    const close = kind === "block" ? "%}" : "}}";
    const open: string[] = [];
    this.#push(`${kind}_begin`, "");
    for (;;) {
      this.#skipSpace();
      if (this.#at >= source.length) return;
      const sign = source[this.#at] as string;
      if (open.length === 0) {
        const signed = (sign === "-" || (sign === "+" && kind === "block")) && source.startsWith(close, this.#at + 1);
        if (signed || source.startsWith(close, this.#at)) {
          this.#push(`${kind}_end`, "");
          this.#skipTo(this.#at + close.length + (signed ? 1 : 0));
          if (kind === "block") this.#afterBlock(signed ? sign : "");
          else if (signed) this.#skipSpace();
          return;
        }
      }
      this.#expressionToken(open);
    }
  }

  #expressionToken(open: string[]): void {
    const source = this.#source;
    const match = (pattern: RegExp) => {
      pattern.lastIndex = this.#at;
      return pattern.exec(source)?.[0];
    };
    const digit = /\d/.test(source[this.#at] as string);
    const number = digit ? match(float) : undefined;
    if (number !== undefined) this.#take("number", number, new Float(Number(number.replaceAll("_", ""))));
    else {
      const digits = digit ? match(whole) : undefined;
      if (digits !== undefined) this.#take("number", digits, integerFromDigits(digits.replaceAll("_", ""), this.#line));
      else {
        const word = match(name);
        if (word !== undefined) this.#take("name", word);
        else if (source[this.#at] === "'" || source[this.#at] === '"') this.#string();
        else this.#operator(open);
      }
    }
  }

  #take(type: Token["type"], text: string, value?: Value): void {
    this.#push(type, text, value);
    this.#at += text.length;
  }

  #string(): void {
    const source = this.#source;
    const quote = source[this.#at];
    let end = this.#at + 1;
    while (end < source.length && source[end] !== quote) end += source[end] === "\\" ? 2 : 1;
    if (end >= source.length) throw this.#fail(`unexpected char ${quote === "'" ? '"\'"' : "'\"'"} at ${this.#at}`);
    const body = source.slice(this.#at + 1, end);
    this.#push("string", body.includes("\\") ? this.#unescaped(body) : body);
    this.#skipTo(end + 1);
  }

  #unescaped(body: string): string {
    const short: { readonly [letter: string]: string } = {
      ...{ n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"' },
      ...{ a: "\x07", b: "\b", f: "\f", v: "\v", "\n": "" },
    };
    const sequence = /\\(?:x([\da-fA-F]{0,2})|u([\da-fA-F]{0,4})|U([\da-fA-F]{0,8})|([0-7]{1,3})|(N)|([\s\S]))/g;
    return body.replace(sequence, (all, x, u, wide, octal, named, other) => {
      if (named !== undefined) throw this.#fail("names of characters, \\N{...}, are not read in chat templates");
      const hex = x ?? u ?? wide;
      if (hex !== undefined) {
        const digits = x !== undefined ? 2 : u !== undefined ? 4 : 8;
        const point = Number.parseInt(hex, 16);
        if (hex.length < digits) throw this.#fail(`truncated \\${all[1]}${"X".repeat(digits)} escape`);
        if (point > 0x10ffff) throw this.#fail("illegal Unicode character");
        return String.fromCodePoint(point);
      }
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return short[other] ?? all;
    });
  }

  #operator(open: string[]): void {
    const found = operators.find((each) => this.#source.startsWith(each, this.#at));
    if (found === undefined) {
      const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
      throw this.#fail(`unexpected char '${character}' at ${this.#at}`);
    }
    if (closers[found]) open.push(closers[found]);
    else if (found === ")" || found === "]" || found === "}") {
      const expected = open.pop();
      if (expected === undefined) throw this.#fail(`unexpected '${found}'`);
      if (expected !== found) throw this.#fail(`unexpected '${found}', expected '${expected}'`);
    }
    this.#take("operator", found);
  }
}

/** A text without the white space at its end. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isPythonSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
