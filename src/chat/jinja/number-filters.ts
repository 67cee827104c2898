import { fixed, rounded } from "./decimal.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { type Filter, filter } from "./filter.ts";
import { indexFrom, integerFromText, optionalIndex, toFloat, toInteger } from "./number-arguments.ts";
import { truth, undefinedFault } from "./protocol.ts";
import { repr } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { Float, integer, isInteger, isNumeric, textOf, typeName, Undefined, type Value } from "./values.ts";

/** What `run` gives, or `otherwise` where it raises one of these errors of Python. */
function orElse(run: () => Value, kinds: readonly string[], otherwise: () => Value): Value {
  try {
    return run();
  } catch (fault) {
    if (fault instanceof TemplateFault && kinds.includes(fault.kind)) return otherwise();
    throw fault;
  }
}

function absolute(value: Value): Value {
  if (value instanceof Float) return new Float(Math.abs(value.value));
  if (isInteger(value)) {
    const size = typeof value === "boolean" ? +value : value;
    return size < 0 ? (typeof size === "bigint" ? integer(-size) : -size) : size;
  }
  if (value instanceof Undefined) throw undefinedFault(value);
  throw typeError(`bad operand type for abs(): '${typeName(value)}'`);
}

function roundWhole(value: number | bigint | boolean, places: number): Value {
  const size = typeof value === "boolean" ? +value : value;
  if (places >= 0) return size;
  if (places < -400) return 0;
  const unit = 10n ** BigInt(-places);
  const whole = BigInt(size);
  const negative = whole < 0n;
  const absoluteSize = negative ? -whole : whole;
  let count = absoluteSize / unit;
  const twice = 2n * (absoluteSize % unit);
  if (twice > unit || (twice === unit && count % 2n === 1n)) count += 1n;
  return integer((negative ? -count : count) * unit);
}

function round(value: Value, places: number, method: string): Value {
  if (!["common", "ceil", "floor"].includes(method)) {
    throw new TemplateFault("FilterArgumentError", "method must be common, ceil or floor");
  }
  if (!isNumeric(value)) {
    if (value instanceof Undefined) throw undefinedFault(value);
    throw typeError(`type ${typeName(value)} doesn't define __round__ method`);
  }
  if (method === "common") {
    if (!(value instanceof Float)) return roundWhole(value, places);
    return Number.isFinite(value.value) ? new Float(rounded(value.value, places)) : value;
  }
  const scale = 10 ** places;
  const size = toFloat(value) * scale;
  const whole = method === "ceil" ? Math.ceil(size) : Math.floor(size);
  return new Float(whole / scale);
}

const sizes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];

function fileSize(value: Value, binary: boolean): string {
  const bytes = toFloat(value);
  const base = binary ? 1024 : 1000;
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  let unit = base;
  for (const [index, size] of sizes.entries()) {
    unit = base ** (index + 2);
    const name = binary ? `${size === "k" ? "K" : size}iB` : `${size}B`;
    if (bytes < unit || index === sizes.length - 1) return `${fixed((base * bytes) / unit, 1)} ${name}`;
  }
  return "";
}

function toWhole(runtime: Runtime, value: Value, otherwise: Value, base: number): Value {
  const text = textOf(value);
  const first = () => (text === undefined ? toInteger(runtime, value) : integerFromText(runtime, text, base));
  return orElse(first, ["TypeError", "ValueError"], () =>
    orElse(
      () => {
        const size = toFloat(value);
        if (Number.isNaN(size)) throw valueError("cannot convert float NaN to integer");
        if (!Number.isFinite(size)) throw new TemplateFault("OverflowError", "cannot convert float infinity to integer");
        return integer(BigInt(Math.trunc(size)));
      },
      ["TypeError", "ValueError", "OverflowError"],
      () => otherwise,
    ),
  );
}

/** Filters that make or change numbers. */
export const numberFilters: readonly [string, Filter][] = [
  filter("abs", "x, /", (_, [value]) => absolute(value as Value)),
  filter("round", "value, precision=, method=", (runtime, [value, precision, method = "common"]) =>
    round(value as Value, optionalIndex(precision, 0), textOf(method) ?? repr(runtime, method)),
  ),
  filter("int", "value, default=, base=", (runtime, [value, otherwise = 0, base]) =>
    toWhole(runtime, value as Value, otherwise, base === undefined ? 10 : indexFrom(base)),
  ),
  filter("float", "value, default=", (runtime, [value, otherwise = new Float(0)]) => {
    runtime.budget.spend(textOf(value as Value)?.length ?? 0);
    return orElse(
      () => new Float(toFloat(value as Value)),
      ["TypeError", "ValueError"],
      () => otherwise,
    );
  }),
  filter("filesizeformat", "value, binary=", (_, [value, binary]) =>
    fileSize(value as Value, binary !== undefined && truth(binary)),
  ),
];
