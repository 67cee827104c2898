import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";

/** What a file says of an added token beside its text. Flags that are not there have the library's defaults. */
export interface TokenFlags {
  /** Found only where no word goes on before or behind it. */
  singleWord?: boolean;
  /** Takes the white space before it, or behind it, along. */
  lstrip?: boolean;
  rstrip?: boolean;
  /** Found in normalised text. Default: where it is not special. */
  normalized?: boolean;
  special?: boolean;
}

const flagNames: readonly (readonly [file: string, flag: keyof TokenFlags])[] = [
  ["single_word", "singleWord"],
  ["lstrip", "lstrip"],
  ["rstrip", "rstrip"],
  ["normalized", "normalized"],
  ["special", "special"],
];

/** An added token as files write it: Python's `AddedToken`. */
export class TokenSpec {
  readonly content: string;
  readonly flags: TokenFlags;

  constructor(content: string, flags: TokenFlags = {}) {
    this.content = content;
    this.flags = flags;
  }

  /** The same token with other flags. */
  with(flags: TokenFlags): TokenSpec {
    return new TokenSpec(this.content, { ...this.flags, ...flags });
  }
}

/** The text of a token that a configuration writes as a text or as `{ content, … }`. */
export function tokenText(value: unknown): string | undefined {
  const text = isRecord(value) ? value.content : value;
  return typeof text === "string" ? text : undefined;
}

/** Reads `{ content, lstrip, … }` of a file. Throws `invalid_tokenizer_file`, naming the file and the place. */
export function readTokenSpec(value: unknown, file: string, place: string): TokenSpec {
  const refuse = (reason: string) => new TsumugiError("invalid_tokenizer_file", { file, reason: `\`${place}\` ${reason}` });
  if (!isRecord(value)) throw refuse(`is no token with its \`content\`. Given: ${showValue(value)}`);
  const { content = "" } = value;
  if (typeof content !== "string") throw refuse(`has a \`content\` that is no text. Given: ${showValue(content)}`);
  const flags: TokenFlags = {};
  for (const [name, flag] of flagNames) {
    const given = value[name];
    if (given === undefined) continue;
    if (typeof given !== "boolean") throw refuse(`has a \`${name}\` that is not true or false. Given: ${showValue(given)}`);
    flags[flag] = given;
  }
  return new TokenSpec(content, flags);
}
