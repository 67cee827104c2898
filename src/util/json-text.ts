import { TsumugiError } from "../errors.ts";
import { describeForeignFile, foreignFileBytes } from "./foreign-file.ts";

/** Objects and lists inside one another; Python's json gives up at about as many. */
const deepest = 1000;

/**
 * The value of a JSON file, as Python's json reads it: NaN, Infinity and -Infinity may stand bare, of two equal keys the last
 * counts. A byte order mark is skipped. What reads JSON files of a model reads them here.
 *
 * @param content bytes of the file, or its text
 * @param path name of the file, for messages
 * @throws TsumugiError `invalid_json_file`: what the file is instead (a Git LFS pointer, a web page, nothing), or the line and
 *   column where it stops to be JSON
 */
export function parseJsonFile(content: Uint8Array | string, path: string): unknown {
  const text = typeof content === "string" ? content : decode(content, path);
  const json = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(json);
  } catch (cause) {
    const start = typeof content === "string" ? new TextEncoder().encode(content.slice(0, foreignFileBytes)) : content;
    const foreign = describeForeignFile(start);
    if (foreign !== undefined) throw new TsumugiError("invalid_json_file", { path, reason: foreign }, { cause });
    return new JsonReader(json, path).read();
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const reason = describeForeignFile(bytes) ?? "it is not UTF-8 text";
    throw new TsumugiError("invalid_json_file", { path, reason }, { cause });
  }
}

const bareNumbers: { readonly [word: string]: unknown } = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  true: true,
  false: false,
  null: null,
};

/** Reads JSON that JSON.parse refuses: with bare numbers of Python's, or to say where it is wrong. */
class JsonReader {
  readonly #text: string;
  readonly #path: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  read(): unknown {
    const value = this.#value();
    if (this.#next() !== undefined) this.#fail("there is more behind the end of the JSON");
    return value;
  }

  /** The next character that is no white space. */
  #next(): string | undefined {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
    return this.#text[this.#at];
  }

  #value(): unknown {
    const first = this.#next();
    if (first === undefined) return this.#fail("it ends in the middle: is it cut off?");
    if (first === '"') return this.#string();
    if (first === "{" || first === "[") {
      if (++this.#depth > deepest) this.#fail(`more than ${deepest} objects and lists stand inside one another`);
      this.#at++;
      const value = first === "{" ? this.#object() : this.#list();
      this.#depth--;
      return value;
    }
    const word = /[\w.+-]*/y;
    word.lastIndex = this.#at;
    const [token] = word.exec(this.#text)!;
    if (!Object.hasOwn(bareNumbers, token) && !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(token)) {
      this.#fail(first === "'" ? "texts stand in double quotes" : "a value is expected here");
    }
    this.#at += token.length;
    return Object.hasOwn(bareNumbers, token) ? bareNumbers[token] : Number(token);
  }

  #object(): unknown {
    const entries: [string, unknown][] = [];
    while (this.#next() !== "}" || entries.length > 0) {
      if (this.#next() !== '"') this.#fail("a name in double quotes is expected here");
      const name = this.#string();
      if (this.#next() !== ":") this.#fail("a colon is expected here");
      this.#at++;
      entries.push([name, this.#value()]);
      if (!this.#goesOn("}")) return Object.fromEntries(entries);
    }
    this.#at++;
    return {};
  }

  #list(): unknown {
    const values: unknown[] = [];
    while (this.#next() !== "]" || values.length > 0) {
      values.push(this.#value());
      if (!this.#goesOn("]")) return values;
    }
    this.#at++;
    return values;
  }

  /** Steps over a comma, or over the closing bracket, which ends it. */
  #goesOn(close: string): boolean {
    const character = this.#next();
    if (character === undefined) this.#fail("it ends in the middle: is it cut off?");
    if (character !== "," && character !== close) this.#fail(`a comma or ${close} is expected here`);
    this.#at++;
    return character === ",";
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    let slashes = 0;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) this.#fail("a text is not closed");
      for (slashes = 0; this.#text[end - 1 - slashes] === "\\"; ) slashes++;
    } while (slashes % 2 === 1);
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      return this.#fail("a text holds a control character or an escape that JSON does not have");
    }
  }

  #fail(problem: string): never {
    const before = this.#text.slice(0, this.#at).split("\n");
    const reason = `line ${before.length}, column ${before.at(-1)!.length + 1}: ${problem}`;
    throw new TsumugiError("invalid_json_file", { path: this.#path, reason });
  }
}
