import { escapeHtml } from "./escape.ts";
import { TemplateFault, typeError } from "./fault.ts";
import { toFloat } from "./number-arguments.ts";
import { percentFormat } from "./percent-format.ts";
import { undefinedFault } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { Float, integer, isInteger, isNumeric, Markup, Tuple, textOf, typeName, Undefined, type Value } from "./values.ts";

type Whole = number | bigint | boolean;
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/** `a operator b` with Python's types and errors. */
export function arithmetic(runtime: Runtime, operator: ArithmeticOperator, a: Value, b: Value): Value {
  runtime.budget.spend(1);
  if (operator === "+") {
    const sum = joined(runtime, a, b);
    if (sum !== undefined) return sum;
  }
  if (operator === "*") {
    const product = repeated(runtime, a, b);
    if (product !== undefined) return product;
  }
  if (operator === "%" && textOf(a) !== undefined) return percentFormat(runtime, a as string | Markup, b);
  if (!isNumeric(a) || !isNumeric(b)) {
    for (const value of [a, b]) if (value instanceof Undefined) throw undefinedFault(value);
    throw typeError(unsupported(operator, a, b));
  }
  if (operator === "/") return quotient(a, b);
  if (isInteger(a) && isInteger(b)) return wholeNumbers(runtime, operator, a, b);
  return floats(operator, toFloat(a), toFloat(b));
}

function unsupported(operator: string, a: Value, b: Value): string {
  if (operator === "+" && textOf(a) !== undefined) return `can only concatenate str (not "${typeName(b)}") to str`;
  if (operator === "+" && Array.isArray(a)) return `can only concatenate list (not "${typeName(b)}") to list`;
  if (operator === "+" && a instanceof Tuple) return `can only concatenate tuple (not "${typeName(b)}") to tuple`;
  const name = operator === "**" ? "** or pow()" : operator;
  return `unsupported operand type(s) for ${name}: '${typeName(a)}' and '${typeName(b)}'`;
}

/** The sum of two texts, lists or tuples. */
function joined(runtime: Runtime, a: Value, b: Value): Value | undefined {
  if (typeof a === "string" && typeof b === "string") {
    runtime.budget.text(a.length + b.length);
    return a + b;
  }
  const text = textOf(a);
  const other = textOf(b);
  if (text !== undefined && other !== undefined) {
    const sum = (a instanceof Markup ? text : escapeHtml(text)) + (b instanceof Markup ? other : escapeHtml(other));
    runtime.budget.text(sum.length);
    return new Markup(sum);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    runtime.budget.spend(a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof Tuple && b instanceof Tuple) {
    runtime.budget.spend(a.items.length + b.items.length);
    return new Tuple([...a.items, ...b.items]);
  }
  return undefined;
}

/** A text, list or tuple some times over. */
function repeated(runtime: Runtime, a: Value, b: Value): Value | undefined {
  const isSequence = (value: Value) => textOf(value) !== undefined || Array.isArray(value) || value instanceof Tuple;
  const [sequence, times] = isSequence(a) ? [a, b] : [b, a];
  if (!isSequence(sequence)) return undefined;
  if (!isInteger(times)) {
    if (times instanceof Undefined) throw undefinedFault(times);
    throw typeError(`can't multiply sequence by non-int of type '${typeName(times)}'`);
  }
  const count = Math.max(0, Number(times));
  const text = textOf(sequence);
  if (text !== undefined) {
    if (text === "") return sequence;
    runtime.budget.text(text.length * count);
    return sequence instanceof Markup ? new Markup(text.repeat(count)) : text.repeat(count);
  }
  const items = Array.isArray(sequence) ? sequence : (sequence as Tuple).items;
  const length = items.length * count;
  runtime.budget.spend(length);
  const copies = Array.from({ length }, (_, index) => items[index % items.length] as Value);
  return Array.isArray(sequence) ? copies : new Tuple(copies);
}

function quotient(a: Whole | Float, b: Whole | Float): Float {
  const divisor = toFloat(b);
  if (divisor === 0)
    throw new TemplateFault("ZeroDivisionError", b instanceof Float ? "float division by zero" : "division by zero");
  return new Float(toFloat(a) / divisor);
}

function wholeNumbers(runtime: Runtime, operator: ArithmeticOperator, a: Whole, b: Whole): Value {
  const [x, y] = [typeof a === "boolean" ? +a : a, typeof b === "boolean" ? +b : b];
  if (operator === "**") return power(runtime, x, y);
  // biome-ignore lint/suspicious/noDoubleEquals: a number or a bigint
  if ((operator === "//" || operator === "%") && y == 0) {
    throw new TemplateFault("ZeroDivisionError", "integer division or modulo by zero");
  }
  if (typeof x === "number" && typeof y === "number") {
    const result = small(operator, x, y);
    if (Number.isSafeInteger(result)) return result === 0 ? 0 : result;
  }
  return large(runtime, operator, BigInt(x), BigInt(y));
}

function small(operator: ArithmeticOperator, x: number, y: number): number {
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "//":
      return (x - modulo(x, y)) / y;
    default:
      return modulo(x, y);
  }
}

/** The remainder with the sign of the divisor. */
function modulo(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

const bitsOf = (value: bigint) => value.toString(16).length * 4;

function large(runtime: Runtime, operator: ArithmeticOperator, x: bigint, y: bigint): Value {
  const isProduct = operator !== "+" && operator !== "-";
  const [left, right] = [bitsOf(x), bitsOf(y)];
  runtime.budget.spend(left + right + (isProduct ? (left * right) / 2048 : 0));
  switch (operator) {
    case "+":
      return integer(x + y);
    case "-":
      return integer(x - y);
    case "*":
      return integer(x * y);
  }
  const rest = x % y;
  const positive = rest !== 0n && rest < 0n !== y < 0n ? rest + y : rest;
  return integer(operator === "%" ? positive : (x - positive) / y);
}

function power(runtime: Runtime, x: number | bigint, y: number | bigint): Value {
  if (y < 0) {
    // biome-ignore lint/suspicious/noDoubleEquals: a number or a bigint
    if (x == 0) throw new TemplateFault("ZeroDivisionError", "0.0 cannot be raised to a negative power");
    return new Float(Number(x) ** Number(y));
  }
  const base = BigInt(x);
  if (base === 0n || base === 1n || base === -1n) return integer(base ** (BigInt(y) === 0n ? 0n : 2n - (BigInt(y) % 2n)));
  const bits = bitsOf(base) * Number(y);
  if (bits > 1_000_000) throw runtime.budget.refuse("an int of more than 1,000,000 bits is made");
  runtime.budget.spend(bits + (bits * bits) / 16384);
  return integer(base ** BigInt(y));
}

function floats(operator: ArithmeticOperator, x: number, y: number): Float {
  switch (operator) {
    case "+":
      return new Float(x + y);
    case "-":
      return new Float(x - y);
    case "*":
      return new Float(x * y);
    case "**":
      if (x === 0 && y < 0) throw new TemplateFault("ZeroDivisionError", "0.0 cannot be raised to a negative power");
      if (x < 0 && !Number.isInteger(y) && Number.isFinite(y))
        throw typeError("complex numbers do not exist in chat templates");
      return floatPower(x, y);
  }
  if (y === 0) throw new TemplateFault("ZeroDivisionError", "float floor division by zero");
  const rest = modulo(x, y) || (y < 0 ? -0 : 0);
  if (operator === "%") return new Float(rest);
  const exact = (x - rest) / y;
  const floor = Math.floor(exact);
  return new Float(exact === 0 ? (x / y < 0 || Object.is(x / y, -0) ? -0 : 0) : exact - floor > 0.5 ? floor + 1 : floor);
}

function floatPower(x: number, y: number): Float {
  const result = x === 1 ? 1 : x ** y;
  if (Number.isFinite(x) && Number.isFinite(y) && !Number.isFinite(result)) {
    throw new TemplateFault("OverflowError", "(34, 'Numerical result out of range')");
  }
  return new Float(result);
}

/** `-value` or `+value`. */
export function signed(operator: "-" | "+", value: Value): Value {
  if (value instanceof Float) return operator === "-" ? new Float(-value.value) : value;
  if (isInteger(value)) {
    if (typeof value === "bigint") return integer(operator === "-" ? -value : value);
    return operator === "-" ? 0 - +value : +value;
  }
  if (value instanceof Undefined) throw undefinedFault(value);
  throw typeError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
}
