import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { printable } from "../util/printable.ts";
import { showValue } from "../util/show-value.ts";

/** Says what a value of tokenizer.json should be, where it is not that; `depth` counts the objects and lists around it. */
export type FieldCheck = (value: unknown, path: string, depth: number) => void;

/** Objects and lists may stand in each other this deep: what the Rust library reads at most. */
const deepest = 127;

/** The error of a part of tokenizer.json (`invalid_tokenizer_file`). */
export function wrongField(path: string, expected: string, value: unknown): TsumugiError {
  const given = value === undefined ? "nothing" : showValue(value);
  return new TsumugiError("invalid_tokenizer_file", {
    file: "tokenizer.json",
    reason: `\`${path}\` must be ${expected}; given: ${given}`,
  });
}

/** The error of an entry of tokenizer.json, with what is wrong about it (`invalid_tokenizer_file`). */
export function wrongEntry(path: string, value: unknown, problem: string): TsumugiError {
  const reason = `\`${path}\`, ${showValue(value)}, ${problem}`;
  return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason });
}

function check(expected: string, fits: (value: unknown) => boolean): FieldCheck {
  return (value, path) => {
    if (!fits(value)) throw wrongField(path, expected, value);
  };
}

export const text = check("a string", (value) => typeof value === "string");
export const flag = check("true or false", (value) => typeof value === "boolean");
export const count = check("a whole number from 0", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
export const tokenId = check(
  "a token id (a whole number from 0, below 2^31)",
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
);
export const character = check(
  "one character",
  (value) =>
    typeof value === "string" &&
    value.length > 0 &&
    value.length === String.fromCodePoint(value.codePointAt(0) as number).length,
);
export const record = check("an object", isRecord);

/** One of some names. */
export function oneName(...names: readonly string[]): FieldCheck {
  return check(`one of ${names.map((name) => JSON.stringify(name)).join(", ")}`, (value) => names.includes(value as string));
}

/** The same, or null, or not there. */
export function optional(inner: FieldCheck): FieldCheck {
  return (value, path, depth) => {
    if (value !== null && value !== undefined) inner(value, path, depth);
  };
}

/** The same, or not there; not null. */
export function defaulted(inner: FieldCheck): FieldCheck {
  return (value, path, depth) => {
    if (value !== undefined) inner(value, path, depth);
  };
}

/** A list of such values. */
export function list(inner: FieldCheck): FieldCheck {
  return (value, path, depth) => {
    if (!Array.isArray(value)) throw wrongField(path, "a list", value);
    for (const [index, item] of value.entries()) inner(item, `${path}[${index}]`, depth + 1);
  };
}

/** A list of this many values, each with a check of its own. */
export function tuple(...inner: readonly FieldCheck[]): FieldCheck {
  return (value, path, depth) => {
    if (!Array.isArray(value) || value.length !== inner.length) throw wrongField(path, `a list of ${inner.length}`, value);
    for (const [index, each] of inner.entries()) each(value[index], `${path}[${index}]`, depth + 1);
  };
}

/** An object whose values are all such. */
export function table(inner: FieldCheck): FieldCheck {
  return (value, path, depth) => {
    if (!isRecord(value)) throw wrongField(path, "an object", value);
    for (const [key, item] of Object.entries(value)) inner(item, `${path}[${showValue(key)}]`, depth + 1);
  };
}

/** An object with these fields; others are passed over. */
export function fields(known: { readonly [name: string]: FieldCheck }): FieldCheck {
  return (value, path, depth) => {
    if (!isRecord(value)) throw wrongField(path, "an object", value);
    for (const [name, inner] of Object.entries(known))
      inner(Object.hasOwn(value, name) ? value[name] : undefined, `${path}.${name}`, depth + 1);
  };
}

/** An object with exactly one of these fields. */
export function oneField(known: { readonly [name: string]: FieldCheck }): FieldCheck {
  const names = Object.keys(known).map((name) => JSON.stringify(name));
  return (value, path, depth) => {
    const [only, ...others] = isRecord(value) ? Object.keys(value) : [];
    const inner = only !== undefined && Object.hasOwn(known, only) ? known[only] : undefined;
    if (!inner || others.length > 0) throw wrongField(path, `an object with one field, ${names.join(" or ")}`, value);
    inner((value as Record<string, unknown>)[only as string], `${path}.${only}`, depth + 1);
  };
}

/** An object whose `type` names one of these kinds, with the fields of its kind. `part` is what an unknown kind is called. */
export function kinds(part: string, known: () => { readonly [type: string]: FieldCheck }): FieldCheck {
  return (value, path, depth) => {
    if (depth > deepest) {
      const reason = `\`${printable(path)}\` stands more than ${deepest} objects and lists deep, which is the most that is read`;
      throw new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason });
    }
    if (!isRecord(value)) throw new TsumugiError("unsupported_tokenizer", { what: part, given: value });
    const type = value.type;
    const inner = typeof type === "string" && Object.hasOwn(known(), type) ? known()[type] : undefined;
    if (!inner) throw new TsumugiError("unsupported_tokenizer", { what: part, given: type ?? value });
    inner(value, path, depth);
  };
}
