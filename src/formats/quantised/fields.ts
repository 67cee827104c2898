import { TsumugiError } from "../../errors.ts";
import { pythonPattern } from "../../util/python-pattern.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Refuses a field of `quantization_config`: `config_unsupported`. */
export function refuseField(field: string, given: unknown, supported: string): never {
  throw new TsumugiError("config_unsupported", { field: `quantization_config.${field}`, given, supported });
}

/** A field that has one of some values. Absent or null: `otherwise`. */
export function fieldAmong<const Value extends string | number | boolean>(
  config: Fields,
  field: string,
  values: readonly Value[],
  otherwise?: Value,
  within = "",
): Value {
  const given = config[field] ?? otherwise;
  const found = values.find((value) => value === given);
  return found === undefined ? refuseField(within + field, given, values.join(", ")) : found;
}

/** Columns that share a scale: a positive number, or −1 for all of them. */
export function groupSizeOf(config: Fields, field: string, otherwise?: number): number {
  const given = config[field] ?? otherwise;
  if (given === -1) return Number.POSITIVE_INFINITY;
  return Number.isSafeInteger(given) && (given as number) > 0
    ? (given as number)
    : refuseField(field, given, "a positive integer, or -1 for one group a row");
}

/** Fields that must be null, absent, or empty: what they would change is not built. */
export function refuseUnlessEmpty(config: Fields, fields: readonly string[], within = ""): void {
  for (const field of fields) {
    const given = config[field];
    const isObject = typeof given === "object" && given !== null;
    const isEmpty = given === undefined || given === null || given === false || (isObject && Object.keys(given).length === 0);
    if (!isEmpty) refuseField(within + field, given, "null");
  }
}

/** A list of texts; absent or null: undefined. */
export function textsOf(config: Fields, field: string): readonly string[] | undefined {
  const given = config[field] ?? undefined;
  if (given === undefined) return undefined;
  const isTexts = Array.isArray(given) && given.every((text) => typeof text === "string");
  return isTexts ? (given as string[]) : refuseField(field, given, "a list of names");
}

/** Python's `re.match`: a pattern at the start of a name. */
export function matcherOf(pattern: string, field: string): (name: string) => boolean {
  const compiled = pythonPattern(pattern, "^(?:", ")");
  if (!compiled) refuseField(field, pattern, "regular expressions without nested repetitions");
  return (name) => compiled.test(name);
}

/**
 * Whether a module is skipped, as transformers reads a list: an entry is a regular expression at the start of the module's path
 * ("model.layers.1" means layers 10 to 19 too), or the end of it. Source: `should_convert_module`.
 */
export function skipsOf(list: readonly string[], field: string): (module: string) => boolean {
  const entries = list.map((entry) => ({ entry, matches: matcherOf(entry, field) }));
  return (module) => entries.some(({ entry, matches }) => matches(module) || module.endsWith(entry));
}
