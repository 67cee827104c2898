import type { Expression, ForNode, Statement, Target } from "./ast.ts";
import { compileExpression, type Place } from "./compile-expression.ts";
import { TemplateFault } from "./fault.ts";
import { entering, type Frame, type StatementCompiler } from "./frame.ts";
import { LoopContext } from "./loop-context.ts";
import { captured, output } from "./output.ts";
import { iterator, truth } from "./protocol.ts";
import { type Run, Scope } from "./scope.ts";
import { FunctionShape, Symbols } from "./symbols.ts";
import { LazyIterator, Markup, type Value } from "./values.ts";
import { bodiesOf, expressionsOf, namesRead, walkExpression } from "./walk.ts";

/** A `for`, recursive ones included. */
export function compileFor(node: ForNode, frame: Frame, line: number, compiler: StatementCompiler): Run {
  checkLoopNames(node, line);
  const place: Place = { symbols: frame.symbols, soft: frame.soft, line };
  const iterable = compileExpression(node.iterable, place);
  const shape = node.recursive ? new FunctionShape(frame.symbols.shape) : frame.symbols.shape;
  const loop = loopOf(node, frame, shape, line, compiler);
  if (!node.recursive) {
    return (scope) => loop(scope, iterable(scope), 0, undefined);
  }
  const render = (outer: Scope, values: Value, depth0: number): Value => {
    const scope = new Scope(outer.runtime, outer.context, shape.size, outer);
    const text = captured(scope, () => void loop(scope, values, depth0, (inner, depth) => render(outer, inner, depth)));
    return outer.runtime.autoescape ? new Markup(text) : text;
  };
  return output([(scope) => render(scope, iterable(scope), 0)]);
}

/** Runs the body for each value. */
function loopOf(node: ForNode, frame: Frame, shape: FunctionShape, line: number, compiler: StatementCompiler) {
  const symbols = new Symbols(shape, frame.symbols);
  const isExtended =
    node.recursive || namesRead(node.body, ["loop"]).has("loop") || node.body.some((each) => hasScopedBlock(each));
  const loopSlot = isExtended ? symbols.declareParameter("loop") : undefined;
  symbols.meetParameters(node.target);
  symbols.meetAll(node.body);
  const inner: Frame = { symbols, soft: false, isTopLevel: false, inLoop: true };
  const enter = entering(symbols);
  const assign = compiler.assign(node.target, inner, line);
  const body = compiler.body(node.body, inner);
  const select = node.test && selection({ target: node.target, test: node.test }, frame, shape, line, compiler);
  const otherwise = node.otherwise.length > 0 ? otherwiseOf(node.otherwise, frame, shape, compiler) : undefined;

  return (scope: Scope, values: Value, depth0: number, recurse: ((values: Value, depth0: number) => Value) | undefined) => {
    const { runtime } = scope;
    const chosen = select ? new LazyIterator(select(scope, values)) : values;
    const context = isExtended ? new LoopContext(runtime, chosen, depth0, recurse) : undefined;
    const source = context ? undefined : iterator(runtime, chosen);
    let finished = false;
    for (;;) {
      let value: Value | undefined;
      if (context) value = context.next();
      else {
        const next = (source as Iterator<Value>).next();
        value = next.done ? undefined : next.value;
      }
      if (value === undefined) break;
      runtime.budget.spend(1);
      assign(scope, value);
      if (loopSlot) scope.slots[loopSlot.index] = (context as LoopContext).value;
      enter(scope);
      const signal = body(scope);
      if (signal === 0) finished = true;
      if (signal === 1) break;
    }
    // as in Jinja2: a loop whose iterations all broke off counts as one without items
    return finished || !otherwise ? 0 : otherwise(scope);
  };
}

/** `for … if test`: the values for which the test holds, one at a time. */
function selection(
  { target, test }: { target: Target; test: Expression },
  frame: Frame,
  shape: FunctionShape,
  line: number,
  compiler: StatementCompiler,
) {
  const symbols = new Symbols(shape, frame.symbols);
  symbols.meetParameters(target);
  symbols.meet(test);
  const inner: Frame = { symbols, soft: false, isTopLevel: false, inLoop: false };
  const enter = entering(symbols);
  const assign = compiler.assign(target, inner, line);
  const holds = compileExpression(test, { symbols, soft: false, line });
  return function* (scope: Scope, values: Value): Generator<Value> {
    enter(scope);
    const source = iterator(scope.runtime, values);
    for (let next = source.next(); !next.done; next = source.next()) {
      scope.runtime.budget.spend(1);
      assign(scope, next.value);
      if (truth(holds(scope))) yield next.value;
    }
  };
}

function otherwiseOf(body: readonly Statement[], frame: Frame, shape: FunctionShape, compiler: StatementCompiler): Run {
  const symbols = new Symbols(shape, frame.symbols);
  symbols.meetAll(body);
  const enter = entering(symbols);
  const run = compiler.body(body, {
    symbols,
    soft: false,
    isTopLevel: false,
    inLoop: frame.inLoop && shape === frame.symbols.shape,
  });
  return (scope) => {
    enter(scope);
    return run(scope);
  };
}

function hasScopedBlock(statement: Statement): boolean {
  if (statement.type === "Block" && statement.scoped) return true;
  return bodiesOf(statement).some((body) => body.some(hasScopedBlock));
}

/** Nothing in a loop may assign `loop`. */
function checkLoopNames(node: ForNode, line: number): void {
  const refuse = (expression: Expression) => {
    walkExpression(expression, (name) => {
      if (name.type !== "Name" || name.name !== "loop" || name.context !== "store") return;
      throw new TemplateFault("TemplateAssertionError", "Can't assign to special loop variable in for-loop target", line);
    });
  };
  const visit = (body: readonly Statement[]) => {
    for (const statement of body) {
      for (const expression of expressionsOf(statement)) refuse(expression);
      for (const inner of bodiesOf(statement)) visit(inner);
    }
  };
  refuse(node.target);
  visit(node.body);
  visit(node.otherwise);
}
