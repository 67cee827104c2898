import type { CallArguments, Expression, Name, NamespaceReference, Statement } from "./ast.ts";

type Visit = (name: Name | NamespaceReference) => void;

/** Calls `visit` for every name of an expression; gives the number of its nodes. */
export function walkExpression(expression: Expression, visit: Visit): number {
  const each = (items: readonly (Expression | undefined)[]) =>
    items.reduce((sum, item) => sum + (item ? walkExpression(item, visit) : 0), 1);
  const given = ({ positional, named, rest, namedRest }: CallArguments) => [
    ...positional,
    ...named.map(({ value }) => value),
    rest,
    namedRest,
  ];
  switch (expression.type) {
    case "Constant":
      return 1;
    case "Name":
    case "NamespaceReference":
      visit(expression);
      return 1;
    case "Tuple":
    case "List":
    case "Concat":
      return each(expression.items);
    case "Dict":
      return each(expression.items.flatMap(({ key, value }) => [key, value]));
    case "Binary":
    case "And":
    case "Or":
      return each([expression.left, expression.right]);
    case "Unary":
    case "Not":
      return each([expression.operand]);
    case "Compare":
      return each([expression.first, ...expression.rest.map(({ operand }) => operand)]);
    case "Conditional":
      return each([expression.test, expression.value, expression.otherwise]);
    case "Attribute":
      return each([expression.target]);
    case "Item":
      return each([expression.target, expression.key]);
    case "Slice":
      return each([expression.start, expression.stop, expression.step]);
    case "Filter":
    case "Test":
      return each([expression.target, ...given(expression)]);
    case "Call":
      return each([expression.callee, ...given(expression)]);
  }
}

/** The statements inside a statement. */
export function bodiesOf(statement: Statement): readonly Statement[][] {
  switch (statement.type) {
    case "If":
      return [...statement.branches.map(({ body }) => body), statement.otherwise];
    case "For":
      return [statement.body, statement.otherwise];
    default:
      return "body" in statement ? [statement.body] : [];
  }
}

/** The expressions of a statement itself, targets included, in the order in which they are met. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.type) {
    case "Output":
      return statement.items.filter((item): item is Expression => typeof item !== "string");
    case "Assign":
      return [statement.value, statement.target];
    case "AssignBlock":
      return statement.filter ? [statement.target, statement.filter] : [statement.target];
    case "For":
      return [statement.target, statement.iterable, ...(statement.test ? [statement.test] : [])];
    case "If":
      return statement.branches.map(({ test }) => test);
    case "Macro":
      return [...statement.names, ...statement.defaults];
    case "CallBlock":
      return [statement.call, ...statement.names, ...statement.defaults];
    case "FilterBlock":
      return [statement.filter];
    case "With":
      return [...statement.targets, ...statement.values];
    case "AutoEscape":
      return [statement.value];
    case "Load":
      return [statement.template];
    default:
      return [];
  }
}

/** Which of some names a body reads before it assigns them. Blocks are not looked into. */
export function namesRead(body: readonly Statement[], names: readonly string[]): Set<string> {
  const wanted = new Set(names);
  const read = new Set<string>();
  const visit = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      for (const expression of expressionsOf(statement)) {
        walkExpression(expression, (name) => {
          if (name.type !== "Name" || !wanted.has(name.name)) return;
          if (name.context === "load") read.add(name.name);
          else wanted.delete(name.name);
        });
      }
      if (statement.type !== "Block") for (const inner of bodiesOf(statement)) visit(inner);
    }
  };
  visit(body);
  return read;
}

/** Every name that a template reads somewhere, its blocks included. */
export function allNamesRead(body: readonly Statement[]): Set<string> {
  const read = new Set<string>();
  const visit = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      for (const expression of expressionsOf(statement)) {
        walkExpression(expression, (name) => {
          if (name.type === "NamespaceReference" || name.context === "load") read.add(name.name);
        });
      }
      for (const inner of bodiesOf(statement)) visit(inner);
    }
  };
  visit(body);
  return read;
}
