import { arithmetic, signed } from "./arithmetic.ts";
import type { CallArguments, CompareOperator, Expression, FilterNode, SliceNode, TestNode } from "./ast.ts";
import { getAttribute, getItem, getSlice } from "./attributes.ts";
import { callValue } from "./call.ts";
import { dictMethod } from "./collection-methods.ts";
import { escaped } from "./escape.ts";
import { TemplateFault, typeError } from "./fault.ts";
import { compare, contains, equal, listFrom, setKey, truth } from "./protocol.ts";
import { filters, tests } from "./registry.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { type Evaluate, missing, type Scope } from "./scope.ts";
import type { Slot, Symbols } from "./symbols.ts";
import { Dict, Markup, type NamedArguments, Tuple, textOf, typeName, Undefined, type Value } from "./values.ts";

/** Where an expression stands. */
export interface Place {
  symbols: Symbols;
  /** In an `if` or a conditional expression: unknown filters and tests fail when they are reached, not before. */
  soft: boolean;
  line: number;
}

/** Compiles an expression to a function, so that a template is looked through once and run many times. */
export function compileExpression(expression: Expression, place: Place): Evaluate {
  const compile = (inner: Expression, at = place) => compileExpression(inner, at);
  switch (expression.type) {
    case "Constant": {
      const { value } = expression;
      return () => value;
    }
    case "Name":
      return readName(expression.name, place);
    case "NamespaceReference":
      throw new TemplateFault("TemplateSyntaxError", "a namespace's attribute is not read here", place.line);
    case "Tuple": {
      const items = expression.items.map((item) => compile(item));
      return (scope) => new Tuple(items.map((item) => item(scope)));
    }
    case "List": {
      const items = expression.items.map((item) => compile(item));
      return (scope) => items.map((item) => item(scope));
    }
    case "Dict": {
      const items = expression.items.map(({ key, value }) => [compile(key), compile(value)] as const);
      return (scope) => {
        const made = new Dict();
        for (const [key, value] of items) setKey(scope.runtime, made, key(scope), value(scope));
        return made;
      };
    }
    case "Binary": {
      const { operator, left: base } = expression;
      const right = compile(expression.right);
      // as in Jinja2: what it folds to a negative constant is written in front of `**`, which binds closer than the sign
      if (operator === "**" && base.type === "Unary" && base.operator === "-" && expression.right.type !== "Constant") {
        const size = compile(base.operand);
        if (base.operand.type === "Constant") {
          return (scope) => signed("-", arithmetic(scope.runtime, operator, size(scope), right(scope)));
        }
      }
      const left = compile(base);
      return (scope) => arithmetic(scope.runtime, operator, left(scope), right(scope));
    }
    case "Unary": {
      const { operator } = expression;
      const operand = compile(expression.operand);
      return (scope) => signed(operator, operand(scope));
    }
    case "Not": {
      const operand = compile(expression.operand);
      return (scope) => !truth(operand(scope));
    }
    case "And": {
      const [left, right] = [compile(expression.left), compile(expression.right)];
      return (scope) => {
        const value = left(scope);
        return truth(value) ? right(scope) : value;
      };
    }
    case "Or": {
      const [left, right] = [compile(expression.left), compile(expression.right)];
      return (scope) => {
        const value = left(scope);
        return truth(value) ? value : right(scope);
      };
    }
    case "Concat":
      return concatenation(expression.items.map((item) => compile(item)));
    case "Compare":
      return comparison(
        compile(expression.first),
        expression.rest.map(({ operator, operand }) => ({ operator, operand: compile(operand) })),
      );
    case "Conditional": {
      const soft = { ...place, soft: true };
      const [test, then] = [compile(expression.test, soft), compile(expression.value, soft)];
      const otherwise = expression.otherwise && compile(expression.otherwise, soft);
      const message = `the inline if-expression on line ${place.line} evaluated to false and no else section was defined.`;
      return (scope) => (truth(test(scope)) ? then(scope) : otherwise ? otherwise(scope) : new Undefined(message));
    }
    case "Attribute":
      return attribute(compile(expression.target), expression.name);
    case "Item": {
      const target = compile(expression.target);
      if (expression.key.type === "Slice") return sliced(target, expression.key, place);
      const key = compile(expression.key);
      return (scope) => {
        const value = target(scope);
        return getItem(scope.runtime, value, key(scope));
      };
    }
    case "Slice":
      throw new TemplateFault("TemplateSyntaxError", "a slice stands alone in its brackets", place.line);
    case "Filter":
      if (!expression.target) throw new TemplateFault("TemplateSyntaxError", "a filter has nothing to filter", place.line);
      return compileFilter(expression, place, compile(expression.target));
    case "Test":
      return applied(expression, "test", place, compile(expression.target));
    case "Call":
      return compileCall(expression, place);
  }
}

/** Reads a variable; what has no value is undefined. */
function readName(name: string, { symbols, line }: Place): Evaluate {
  const read = readSlot(symbols, slotOf(symbols, name, line));
  const undefinedMessage = `'${name}' is undefined`;
  return (scope) => {
    const value = read(scope);
    return value === missing ? new Undefined(undefinedMessage) : value;
  };
}

export function slotOf(symbols: Symbols, name: string, line: number): Slot {
  const slot = symbols.find(name);
  if (!slot) throw new TemplateFault("TemplateSyntaxError", `the name '${name}' is not known here`, line);
  return slot;
}

/** Scopes between a place and the function that owns a variable. */
function hopsTo(symbols: Symbols, slot: Slot): number {
  let hops = 0;
  for (let shape = symbols.shape; shape !== slot.shape; shape = shape.outer as typeof shape) hops += 1;
  return hops;
}

export function readSlot(symbols: Symbols, slot: Slot): Evaluate {
  const { index } = slot;
  const hops = hopsTo(symbols, slot);
  if (hops === 0) return (scope) => scope.slots[index] as Value;
  if (hops === 1) return (scope) => (scope.outer as Scope).slots[index] as Value;
  return (scope) => {
    let at = scope;
    for (let i = 0; i < hops; i++) at = at.outer as Scope;
    return at.slots[index] as Value;
  };
}

function attribute(target: Evaluate, name: string): Evaluate {
  const isPlain = dictMethod(new Dict(), name) === undefined;
  return (scope) => {
    const value = target(scope);
    if (isPlain && value instanceof Dict) {
      const found = value.entries.get(name);
      if (found !== undefined) return found;
    }
    return getAttribute(scope.runtime, value, name);
  };
}

function sliced(target: Evaluate, { start, stop, step }: SliceNode, place: Place): Evaluate {
  const [from, to, by] = [start, stop, step].map((each) => each && compileExpression(each, place));
  return (scope) => {
    const value = target(scope);
    return getSlice(scope.runtime, value, from?.(scope) ?? null, to?.(scope) ?? null, by?.(scope) ?? null);
  };
}

function concatenation(items: readonly Evaluate[]): Evaluate {
  return (scope) => {
    const { runtime } = scope;
    const values = items.map((item) => item(scope));
    if (runtime.autoescape && values.some((value) => value instanceof Markup)) {
      return new Markup(values.map((value) => escaped(runtime, value).text).join(""));
    }
    let text = "";
    for (const value of values) text += textFrom(runtime, value);
    runtime.budget.text(text.length);
    return text;
  };
}

const orders: { readonly [operator: string]: (order: number) => boolean } = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

function holds(runtime: Runtime, operator: CompareOperator, a: Value, b: Value): boolean {
  switch (operator) {
    case "==":
      return equal(runtime, a, b);
    case "!=":
      return !equal(runtime, a, b);
    case "in":
      return contains(runtime, b, a);
    case "not in":
      return !contains(runtime, b, a);
  }
  return (orders[operator] as (order: number) => boolean)(compare(runtime, a, b, operator));
}

function comparison(first: Evaluate, rest: readonly { operator: CompareOperator; operand: Evaluate }[]): Evaluate {
  const [only] = rest;
  if (rest.length === 1 && only) {
    const { operator, operand } = only;
    return (scope) => {
      const left = first(scope);
      return holds(scope.runtime, operator, left, operand(scope));
    };
  }
  return (scope) => {
    let left = first(scope);
    for (const { operator, operand } of rest) {
      const right = operand(scope);
      if (!holds(scope.runtime, operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

interface Given {
  positional: Value[];
  named: NamedArguments;
}

/** Evaluates the arguments of a call, behind `first`. */
function compileArguments(given: CallArguments, place: Place): (scope: Scope, first: Value | undefined) => Given {
  const positional = given.positional.map((each) => compileExpression(each, place));
  const named = given.named.map(({ name, value }) => [name, compileExpression(value, place)] as const);
  const rest = given.rest && compileExpression(given.rest, place);
  const namedRest = given.namedRest && compileExpression(given.namedRest, place);
  return (scope, first) => {
    const values: Value[] = first === undefined ? [] : [first];
    for (const each of positional) values.push(each(scope));
    if (rest) values.push(...spread(scope.runtime, rest(scope)));
    if (named.length === 0 && !namedRest) return { positional: values, named: undefined };
    const names = new Map<string, Value>();
    for (const [name, value] of named) names.set(name, value(scope));
    if (namedRest) addNamed(names, namedRest(scope));
    return { positional: values, named: names.size > 0 ? names : undefined };
  };
}

const mostArguments = 10_000;

function spread(runtime: Runtime, values: Value): Value[] {
  const list = listFrom(runtime, values);
  if (list.length > mostArguments) throw runtime.budget.refuse(`a call has more than ${mostArguments} arguments`);
  return list;
}

function addNamed(names: Map<string, Value>, values: Value): void {
  if (!(values instanceof Dict)) throw typeError(`argument after ** must be a mapping, not ${typeName(values)}`);
  for (const [id, value] of values.entries) {
    const name = textOf(values.keyOf(id));
    if (name === undefined) throw typeError("keywords must be strings");
    if (names.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`);
    names.set(name, value);
  }
}

/** A call; `caller`: the block of a `{% call %}`, which goes with it. */
export function compileCall(
  node: CallArguments & { callee: Expression },
  place: Place,
  caller?: (scope: Scope) => Value,
): Evaluate {
  const callee = compileExpression(node.callee, place);
  const given = compileArguments(node, place);
  return (scope) => {
    const called = callee(scope);
    const { positional, named } = given(scope, undefined);
    if (!caller) return callValue(scope.runtime, called, positional, named);
    return callValue(scope.runtime, called, positional, new Map(named).set("caller", caller(scope)));
  };
}

/** A filter over a value, or over a block's text. */
function compileFilter(node: FilterNode, place: Place, target: Evaluate): Evaluate {
  return applied(node, "filter", place, target);
}

/** The innermost filter of a block gets the block's text; those around it what it gives. */
export function compileBlockFilter(node: FilterNode, place: Place, text: Evaluate): Evaluate {
  const inner = node.target;
  if (!inner) return compileFilter(node, place, text);
  return compileFilter(node, place, compileBlockFilter(inner as FilterNode, place, text));
}

function applied(node: FilterNode | TestNode, kind: "filter" | "test", place: Place, target: Evaluate): Evaluate {
  const { name, line } = node;
  const found = (kind === "filter" ? filters : tests).get(name);
  if (!found) {
    const message = `No ${kind} named '${name}'`;
    if (!place.soft) throw new TemplateFault("TemplateAssertionError", `${message}.`, line);
    return () => {
      throw new TemplateFault("TemplateRuntimeError", `${message} found.`, line);
    };
  }
  const given = compileArguments(node, place);
  return (scope) => {
    const { positional, named } = given(scope, target(scope));
    return found(scope.runtime, positional, named);
  };
}
