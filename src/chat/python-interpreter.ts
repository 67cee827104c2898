import { Budget } from "./budget.ts";
import { library, type RuntimeValue, type TemplateNode, type TemplateScope, toRuntime, toRuntimeList } from "./jinja.ts";
import { pythonText } from "./python-text.ts";

const statements = new Set([
  ...["Program", "Set", "If", "For", "Macro", "CallStatement", "FilterStatement", "Break", "Continue", "Comment"],
]);

const strips = ["strip", "lstrip", "rstrip"];

const undefinedValue = () => toRuntime(undefined);

/**
 * The library's interpreter with Python's behaviour where templates in use depend on it: `None`, `True` and dicts print as
 * in Python, `+` does not mix strings with other types, `==` compares as Python does, loops run over strings and over undefined, `strip` and its kin take characters, and the filters
 * `string`, `trim`, `length`, `list`, `replace`, `select`, `reject`, `selectattr`, `map`, `first`, `last`, `sum` take what
 * Jinja's take. Steps and texts are counted: a template that does not end is stopped.
 */
export class PythonInterpreter extends library.Interpreter {
  readonly #iterated = new WeakSet<TemplateNode>();
  readonly #budget: Budget;

  constructor(scope: TemplateScope, budget = new Budget()) {
    super(scope);
    this.#budget = budget;
  }

  override evaluate(node: TemplateNode | undefined, scope: TemplateScope): RuntimeValue {
    if (node?.type === "Evaluated") return node.result as RuntimeValue;
    this.#budget.spend();
    const value = super.evaluate(node, scope);
    return node && this.#iterated.has(node) ? iterable(value) : value;
  }

  override evaluateFor(node: TemplateNode, scope: TemplateScope): RuntimeValue {
    const over = node.iterable as TemplateNode;
    this.#iterated.add(over.type === "SelectExpression" ? (over.lhs as TemplateNode) : over);
    return super.evaluateFor(node, scope);
  }

  override evaluateBlock(nodes: TemplateNode[], scope: TemplateScope): RuntimeValue {
    let text = "";
    this.#budget.spend();
    for (const node of nodes) {
      const value = this.evaluate(node, scope);
      if (!statements.has(node.type)) text += pythonText(value);
      else if (value.type !== "NullValue" && value.type !== "UndefinedValue") text += value.toString();
    }
    return toRuntime(this.#budget.text(text));
  }

  override evaluateCallExpression(node: TemplateNode, scope: TemplateScope): RuntimeValue {
    const callee = node.callee as TemplateNode;
    const name = String((callee.property as TemplateNode | undefined)?.value);
    if (callee.type !== "MemberExpression" || callee.computed || !strips.includes(name)) return this.#call(node, scope);
    const object = this.evaluate(callee.object as TemplateNode, scope);
    const known = { ...node, callee: { ...callee, object: evaluated(object) } };
    if (object.type !== "StringValue") return this.#call(known, scope);
    const [[characters]] = this.evaluateArguments(node.args as TemplateNode[], scope);
    const given = characters === undefined || characters.type === "NullValue" ? undefined : String(characters.value);
    return toRuntime(stripSides(String(object.value), given, name));
  }

  /** The library's call; what it cannot call is named as it stands in the template. */
  #call(node: TemplateNode, scope: TemplateScope): RuntimeValue {
    try {
      return super.evaluateCallExpression(node, scope);
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.startsWith("Cannot call something that is not a function")) throw cause;
      throw new Error(`${nameOf(node.callee as TemplateNode)} is not supported in chat templates`, { cause });
    }
  }

  override evaluateBinaryExpression(node: TemplateNode, scope: TemplateScope): RuntimeValue {
    const operator = (node.operator as { value: string }).value;
    if (!["~", "+", "==", "!="].includes(operator)) return super.evaluateBinaryExpression(node, scope);
    const left = this.evaluate(node.left as TemplateNode, scope);
    const right = this.evaluate(node.right as TemplateNode, scope);
    this.#budget.value(left.value);
    this.#budget.value(right.value);
    if (operator === "~") return toRuntime(this.#budget.text(pythonText(left) + pythonText(right)));
    if (operator !== "+") return toRuntime(equal(left, right) === (operator === "=="));
    if ((left.type === "StringValue") !== (right.type === "StringValue"))
      throw new Error(`can only concatenate strings (not ${left.type} and ${right.type})`);
    return super.evaluateBinaryExpression({ ...node, left: evaluated(left), right: evaluated(right) }, scope);
  }

  override applyFilter(operand: RuntimeValue, filter: TemplateNode, scope: TemplateScope): RuntimeValue {
    this.#budget.value(operand.value);
    const call = filter.type === "CallExpression";
    const name = String(((call ? filter.callee : filter) as TemplateNode).value);
    const parameters = () => (call ? this.evaluateArguments(filter.args as TemplateNode[], scope) : ([[], new Map()] as const));
    switch (name) {
      case "string":
        return toRuntime(pythonText(operand));
      case "trim":
        if (!call) return toRuntime(stripped(pythonText(operand)));
        break;
      case "length":
      case "count":
        if (operand.type === "StringValue" || operand.type === "UndefinedValue")
          return toRuntime(Array.from(pythonText(operand)).length);
        break;
      case "list":
        return iterable(operand);
      case "first":
      case "last":
        if (operand.type !== "ArrayValue" || (operand.value as RuntimeValue[]).length === 0)
          return items(operand).at(name === "first" ? 0 : -1) ?? undefinedValue();
        break;
      case "items":
        if (operand.type === "UndefinedValue") return toRuntimeList([]);
        break;
      case "replace":
      case "upper":
      case "lower":
      case "title":
      case "capitalize":
        if (operand.type !== "StringValue") return super.applyFilter(toRuntime(pythonText(operand)), filter, scope);
        break;
      case "join":
        if (operand.type === "UndefinedValue") return toRuntime("");
        if (operand.type === "ArrayValue")
          return super.applyFilter(toRuntimeList(items(operand).map((item) => toRuntime(pythonText(item)))), filter, scope);
        break;
      case "select":
      case "reject": {
        const [[testName, ...rest]] = parameters();
        const test = testOf(testName, scope);
        return toRuntimeList(items(operand).filter((item) => test(item, ...rest) === (name === "select")));
      }
      case "selectattr":
      case "rejectattr": {
        const [[attribute, testName, ...rest]] = parameters();
        const test = testOf(testName, scope);
        const kept = (item: RuntimeValue) => test(memberOf(item, attribute), ...rest) === (name === "selectattr");
        return toRuntimeList(items(operand).filter(kept));
      }
      case "map": {
        const [[mapped], keywords] = parameters();
        if (keywords.has("attribute")) break;
        const inner = { type: "Identifier", value: String(mapped?.value) };
        return toRuntimeList(items(operand).map((item) => this.applyFilter(item, inner, scope)));
      }
      case "sum":
        if (!call) return toRuntime(items(operand).reduce((sum, item) => sum + Number(item.value), 0));
        break;
    }
    return super.applyFilter(operand, filter, scope);
  }
}

/** What a call calls: `loop.cycle()`, `format()` of a text in the template. */
function nameOf(callee: TemplateNode): string {
  if (callee.type === "Identifier") return `\`${callee.value}()\``;
  const { object, property, computed } = callee as { object?: TemplateNode; property?: TemplateNode; computed?: unknown };
  if (callee.type !== "MemberExpression" || computed) return "A call of what is no function";
  return object?.type === "Identifier" ? `\`${object.value}.${property?.value}()\`` : `The method \`${property?.value}()\``;
}

/** A node that stands for a value which is known already. */
function evaluated(result: RuntimeValue): TemplateNode {
  return { type: "Evaluated", result };
}

/** Python's `==`: numbers and booleans by value, lists and dicts by content, other types never across. */
function equal(left: RuntimeValue, right: RuntimeValue): boolean {
  const numeric = ["IntegerValue", "FloatValue", "BooleanValue"];
  if (numeric.includes(left.type) && numeric.includes(right.type)) return Number(left.value) === Number(right.value);
  if (left.type !== right.type) return false;
  if (typeof left.value === "object" && left.value !== null) return pythonText(left) === pythonText(right);
  return left.value === right.value;
}

/** What a loop runs over: characters of a string, keys of a dict, nothing for undefined. */
function iterable(value: RuntimeValue): RuntimeValue {
  if (value.type === "StringValue") return toRuntime(Array.from(String(value.value)));
  if (value.type === "UndefinedValue") return toRuntimeList([]);
  return value;
}

function items(value: RuntimeValue): RuntimeValue[] {
  if (value.type === "ObjectValue") return [...(value.value as Map<string, RuntimeValue>).keys()].map(toRuntime);
  const list = iterable(value).value;
  if (!Array.isArray(list)) throw new Error(`'${value.type}' is not iterable`);
  return list as RuntimeValue[];
}

function memberOf(item: RuntimeValue, attribute: RuntimeValue | undefined): RuntimeValue {
  let value: RuntimeValue | undefined = item;
  for (const part of String(attribute?.value).split(".")) {
    if (value?.value instanceof Map) value = value.value.get(part) as RuntimeValue | undefined;
    else if (Array.isArray(value?.value)) value = value.value[Number(part)] as RuntimeValue | undefined;
    else value = undefined;
  }
  return value ?? undefinedValue();
}

function testOf(name: RuntimeValue | undefined, scope: TemplateScope): (...values: RuntimeValue[]) => boolean {
  if (!name) return (value) => value?.__bool__().value === true;
  const symbols: Record<string, string> = { "==": "eq", equalto: "eq" };
  const key = symbols[String(name.value)] ?? String(name.value);
  if (key === "in") return (value, list) => list !== undefined && items(list).some((item) => item.value === value?.value);
  if (key === "ne" || key === "!=") return (value, other) => value?.value !== other?.value;
  const test = scope.tests.get(key);
  if (!test) throw new Error(`Unknown test: ${key}`);
  return test;
}

/** Python's `strip()`: not U+FEFF, which JavaScript's `trim()` takes too. */
function stripped(text: string): string {
  return text.replace(/^[\p{White_Space}\x1c-\x1f]+|[\p{White_Space}\x1c-\x1f]+$/gu, "");
}

/** Python's `strip(characters)`, `lstrip` and `rstrip`; white space where no characters are given. */
function stripSides(text: string, characters: string | undefined, name: string): string {
  const list = Array.from(text);
  const gone = (character: string | undefined) =>
    character !== undefined &&
    (characters === undefined ? stripped(character) === "" : Array.from(characters).includes(character));
  let [start, end] = [0, list.length];
  if (name !== "rstrip") while (start < end && gone(list[start])) start++;
  if (name !== "lstrip") while (end > start && gone(list[end - 1])) end--;
  return list.slice(start, end).join("");
}
