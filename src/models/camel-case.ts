import { camelCase } from "../util/letter-case.ts";

/** A snake_case name in camelCase. */
export type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

export type CamelKeys<T> = { [K in keyof T as K extends string ? CamelCase<K> : never]: T[K] };

/** The same object with the names of its own fields in camelCase (fields of fields keep theirs). */
export function camelKeys<T extends object>(value: T): CamelKeys<T> {
  const entries = Object.entries(value).map(([key, field]) => [camelCase(key), field]);
  return Object.fromEntries(entries) as CamelKeys<T>;
}
