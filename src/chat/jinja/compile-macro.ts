import type { CallBlockNode, MacroNode } from "./ast.ts";
import { compileExpression, type Place } from "./compile-expression.ts";
import { TemplateFault } from "./fault.ts";
import { entering, type Frame, type StatementCompiler } from "./frame.ts";
import { createMacro, type MacroShape } from "./macro.ts";
import { captured } from "./output.ts";
import { type Evaluate, missing, Scope } from "./scope.ts";
import { FunctionShape, type Slot, Symbols } from "./symbols.ts";
import { Undefined, type Value } from "./values.ts";
import { namesRead } from "./walk.ts";

/** A macro, or the block of a `{% call %}`: made where it stands, it sees the scopes that it is written in. */
export function compileMacro(
  node: MacroNode | CallBlockNode,
  name: string | undefined,
  frame: Frame,
  line: number,
  compiler: StatementCompiler,
): Evaluate {
  const shape = new FunctionShape(frame.symbols.shape);
  const symbols = new Symbols(shape, frame.symbols);
  for (const each of node.names) symbols.meet(each);
  for (const each of node.defaults) symbols.meet(each);
  symbols.meetAll(node.body);
  const parameters = node.names.map((each) => each.name);
  const read = namesRead(node.body, ["caller", "kwargs", "varargs"]);
  const callerAt = parameters.indexOf("caller");
  if (read.has("caller") && callerAt >= 0 && callerAt < parameters.length - node.defaults.length) {
    const message = 'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.';
    throw new TemplateFault("TemplateAssertionError", message, line);
  }
  const macro: MacroShape = {
    name,
    parameters,
    readsCaller: read.has("caller"),
    readsKwargs: read.has("kwargs") && !parameters.includes("kwargs"),
    readsVarargs: read.has("varargs") && !parameters.includes("varargs"),
  };
  const slots: Slot[] = node.names.map((each) => symbols.declareParameter(each.name));
  if (macro.readsCaller && callerAt < 0) slots.push(symbols.declareParameter("caller"));
  if (macro.readsKwargs) slots.push(symbols.declareParameter("kwargs"));
  if (macro.readsVarargs) slots.push(symbols.declareParameter("varargs"));
  const place: Place = { symbols, soft: false, line };
  const defaults = parameters.map((parameter, index): Evaluate => {
    const given = node.defaults[index - parameters.length + node.defaults.length];
    if (given) return compileExpression(given, place);
    return () => new Undefined(`parameter '${parameter}' was not provided`);
  });
  const enter = entering(symbols);
  const body = compiler.body(node.body, { symbols, soft: false, isTopLevel: false, inLoop: false });
  return (outer) =>
    createMacro(macro, (runtime, values) => {
      const scope = new Scope(runtime, outer.context, shape.size, outer);
      return captured(scope, () => {
        for (let i = 0; i < slots.length; i++) scope.slots[(slots[i] as Slot).index] = values[i] as Value;
        enter(scope);
        for (let i = 0; i < defaults.length; i++) {
          const { index } = slots[i] as Slot;
          if (scope.slots[index] === missing) scope.slots[index] = (defaults[i] as Evaluate)(scope);
        }
        body(scope);
      });
    });
}
