import * as jinja from "@huggingface/jinja";

/** A value inside a running template. */
export interface RuntimeValue {
  type: string;
  value: unknown;
  toString(): string;
  __bool__(): { value: boolean };
}

/** A node of a parsed template. */
export interface TemplateNode {
  type: string;
  [field: string]: unknown;
}

/** The variables of a running template. */
export interface TemplateScope {
  set(name: string, value: unknown): RuntimeValue;
  readonly tests: ReadonlyMap<string, (...values: RuntimeValue[]) => boolean>;
}

/** The interpreter's steps that `PythonInterpreter` overrides. */
export interface TemplateInterpreter {
  run(program: TemplateNode): RuntimeValue;
  evaluate(node: TemplateNode | undefined, scope: TemplateScope): RuntimeValue;
  evaluateArguments(nodes: TemplateNode[], scope: TemplateScope): [RuntimeValue[], Map<string, RuntimeValue>];
  evaluateBlock(nodes: TemplateNode[], scope: TemplateScope): RuntimeValue;
  evaluateFor(node: TemplateNode, scope: TemplateScope): RuntimeValue;
  evaluateBinaryExpression(node: TemplateNode, scope: TemplateScope): RuntimeValue;
  evaluateCallExpression(node: TemplateNode, scope: TemplateScope): RuntimeValue;
  applyFilter(operand: RuntimeValue, filter: TemplateNode, scope: TemplateScope): RuntimeValue;
}

/**
 * What tsumugi uses of `@huggingface/jinja` 0.5.11, whose steps it overrides where they differ from Python's Jinja. The
 * version is pinned exactly, because these steps are not the library's public face; a test renders golden conversations.
 */
export const library = jinja as unknown as {
  tokenize(source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }): unknown[];
  parse(tokens: unknown[]): TemplateNode;
  Environment: new () => TemplateScope;
  Interpreter: new (scope: TemplateScope) => TemplateInterpreter;
};

/** Makes a template's value of a JavaScript value. */
export function toRuntime(value: unknown): RuntimeValue {
  return new library.Environment().set("value", value);
}

/** A list of values as a template's value. */
export function toRuntimeList(items: RuntimeValue[]): RuntimeValue {
  const list = toRuntime([]);
  list.value = items;
  return list;
}
