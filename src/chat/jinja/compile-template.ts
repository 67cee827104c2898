import { assignment, namespaceCheck } from "./assign.ts";
import type { BlockNode, CallBlockNode, CallNode, Expression, IfNode, Statement, Target } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { compileBlockFilter, compileCall, compileExpression, type Place, readSlot } from "./compile-expression.ts";
import { compileFor } from "./compile-loop.ts";
import { compileMacro } from "./compile-macro.ts";
import { TemplateFault, typeError } from "./fault.ts";
import { entering, type Frame, type StatementCompiler } from "./frame.ts";
import { captured, output } from "./output.ts";
import { truth } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { type Context, type Evaluate, missing, type Run, Scope } from "./scope.ts";
import { FunctionShape, Symbols } from "./symbols.ts";
import { Callable, Markup, Undefined, type Value } from "./values.ts";
import { bodiesOf, expressionsOf, namesRead, walkExpression } from "./walk.ts";

/** A template that is ready to be rendered. */
export type CompiledTemplate = (runtime: Runtime, names: Pick<Context, "variables" | "globals">) => string;

/** Compiles a parsed template. */
export function compileTemplate(statements: readonly Statement[], budget: Budget): CompiledTemplate {
  return new Compiler(statements, budget).template(statements);
}

class Compiler implements StatementCompiler {
  readonly #blocks = new Map<string, (scope: Scope, context: Context) => void>();
  readonly #blockNodes: BlockNode[] = [];
  readonly #budget: Budget;

  constructor(statements: readonly Statement[], budget: Budget) {
    this.#budget = budget;
    const names = new Set<string>();
    const collect = (body: readonly Statement[]) => {
      for (const statement of body) {
        if (statement.type === "Block") {
          if (names.has(statement.name)) {
            throw new TemplateFault("TemplateAssertionError", `block '${statement.name}' defined twice`, statement.line);
          }
          names.add(statement.name);
          this.#blockNodes.push(statement);
        }
        for (const inner of bodiesOf(statement)) collect(inner);
      }
    };
    collect(statements);
  }

  template(statements: readonly Statement[]): CompiledTemplate {
    const shape = new FunctionShape();
    const symbols = new Symbols(shape, this.#budget);
    const self = namesRead(statements, ["self"]).has("self") ? symbols.declareParameter("self") : undefined;
    symbols.meetAll(statements);
    const frame: Frame = { symbols, soft: false, isTopLevel: true, inLoop: false };
    const enter = entering(symbols);
    const body = this.body(statements, frame);
    for (const block of this.#blockNodes) this.#blocks.set(block.name, this.#block(block));
    return (runtime, names) => {
      const context: Context = { ...names, exported: new Map() };
      const scope = new Scope(runtime, context, shape.size);
      if (self) scope.slots[self.index] = this.#selfOf(scope);
      enter(scope);
      body(scope);
      return runtime.out;
    };
  }

  /** `self` of a template: its blocks, to be written again. */
  #selfOf(scope: Scope): Value {
    const notCalled = () => {
      throw typeError("'TemplateReference' object is not callable");
    };
    return new Callable("None", notCalled, "TemplateReference", (name) => {
      const block = this.#blocks.get(name);
      return block && new Callable(name, () => captured(scope, () => block(scope, scope.context)), "BlockReference");
    });
  }

  /** A block is a function of its own, which sees what the template exports. */
  #block({ name, body }: BlockNode): (scope: Scope, context: Context) => void {
    const shape = new FunctionShape();
    const symbols = new Symbols(shape, this.#budget);
    const special = namesRead(body, ["self", "super"]);
    const self = special.has("self") ? symbols.declareParameter("self") : undefined;
    const above = special.has("super") ? symbols.declareParameter("super") : undefined;
    symbols.meetAll(body);
    const enter = entering(symbols);
    const run = this.body(body, { symbols, soft: false, isTopLevel: false, inLoop: false });
    return (outer, context) => {
      const scope = new Scope(outer.runtime, context, shape.size);
      if (self) scope.slots[self.index] = this.#selfOf(scope);
      if (above) scope.slots[above.index] = new Undefined(`there is no parent block called '${name}'.`);
      enter(scope);
      run(scope);
    };
  }

  body(statements: readonly Statement[], frame: Frame): Run {
    const runs = statements.map((statement) => this.#counted(statement, frame));
    const [only] = runs;
    if (runs.length === 1 && only) return only;
    return (scope) => {
      for (const run of runs) {
        const signal = run(scope);
        if (signal !== 0) return signal;
      }
      return 0;
    };
  }

  /** A statement that counts the nodes of its expressions, and notes where it stands. */
  #counted(statement: Statement, frame: Frame): Run {
    const run = this.#statement(statement, frame);
    const cost = expressionsOf(statement).reduce((sum, each) => sum + walkExpression(each, () => {}), 1);
    const { line } = statement;
    return (scope) => {
      const { runtime } = scope;
      runtime.line = line;
      runtime.budget.spend(cost);
      return run(scope);
    };
  }

  #statement(statement: Statement, frame: Frame): Run {
    const { line } = statement;
    const place: Place = { symbols: frame.symbols, soft: frame.soft, line };
    switch (statement.type) {
      case "Output":
        return output(statement.items.map((item) => (typeof item === "string" ? item : compileExpression(item, place))));
      case "Assign": {
        const value = compileExpression(statement.value, place);
        const check = namespaceCheck(statement.target, place);
        const assign = this.assign(statement.target, frame, line);
        return (scope) => {
          check?.(scope);
          assign(scope, value(scope));
          return 0;
        };
      }
      case "AssignBlock":
        return this.#assignBlock(statement, frame);
      case "If":
        return this.#if(statement, { ...frame, soft: true }, line);
      case "For":
        return compileFor(statement, frame, line, this);
      case "Macro": {
        const make = compileMacro(statement, statement.name, frame, line, this);
        const assign = this.assign({ type: "Name", name: statement.name, context: "store" }, frame, line);
        return (scope) => {
          assign(scope, make(scope));
          return 0;
        };
      }
      case "CallBlock": {
        const caller = compileMacro(statement, undefined, frame, line, this);
        return output([compileCall(statement.call, place, caller)]);
      }
      case "Generation": {
        const block: CallBlockNode = { type: "CallBlock", names: [], defaults: [], call: noCall, body: statement.body };
        const caller = compileMacro(block, undefined, frame, line, this);
        return output([(scope) => (caller(scope) as Callable).call(scope.runtime, [], undefined)]);
      }
      case "FilterBlock": {
        const inner = this.#inner(frame);
        inner.symbols.meetAll(statement.body);
        inner.symbols.meet(statement.filter);
        const text = this.#capture(statement.body, inner);
        return output([compileBlockFilter(statement.filter, { ...place, symbols: inner.symbols, soft: false }, text)]);
      }
      case "With":
        return this.#with(statement, frame, line);
      case "AutoEscape":
        return this.#autoEscape(statement, frame, line);
      case "Block":
        return this.#runBlock(statement, frame);
      case "Break":
      case "Continue": {
        const signal = statement.type === "Break" ? 1 : 2;
        if (frame.inLoop) return () => signal;
        const word = statement.type.toLowerCase();
        throw new TemplateFault("SyntaxError", `\`${word}\` outside of a loop`, line);
      }
      case "Load": {
        const message = `\`{% ${statement.tag} %}\` loads another template, and a chat template stands alone`;
        return () => {
          throw new TemplateFault("TypeError", message, line);
        };
      }
    }
  }

  #inner({ symbols, inLoop }: Frame): Frame {
    return { symbols: new Symbols(symbols.shape, symbols), soft: false, isTopLevel: false, inLoop };
  }

  /** A body's text. `break` cannot leave it: what it has written would be lost. */
  #capture(body: readonly Statement[], inner: Frame): Evaluate {
    const enter = entering(inner.symbols);
    const run = this.body(body, { ...inner, inLoop: false });
    return (scope) =>
      captured(scope, () => {
        enter(scope);
        run(scope);
      });
  }

  assign(target: Target, frame: Frame, line: number): (scope: Scope, value: Value) => void {
    return assignment(target, frame, line, this.#blockNodes.length > 0);
  }

  #assignBlock(statement: Statement & { type: "AssignBlock" }, frame: Frame): Run {
    const inner = this.#inner(frame);
    inner.symbols.meetAll(statement.body);
    if (statement.filter) inner.symbols.meet(statement.filter);
    const text = this.#capture(statement.body, inner);
    const place = { symbols: inner.symbols, soft: false, line: statement.line };
    const value = statement.filter ? compileBlockFilter(statement.filter, place, text) : text;
    const check = namespaceCheck(statement.target, { ...place, symbols: frame.symbols });
    const assign = this.assign(statement.target, frame, statement.line);
    return (scope) => {
      const made = value(scope);
      check?.(scope);
      assign(scope, scope.runtime.autoescape && typeof made === "string" ? new Markup(made) : made);
      return 0;
    };
  }

  #if({ branches, otherwise }: IfNode, frame: Frame, line: number): Run {
    const place: Place = { symbols: frame.symbols, soft: true, line };
    const tests = branches.map(({ test }) => compileExpression(test, place));
    const bodies = branches.map(({ body }) => this.body(body, frame));
    const rest = this.body(otherwise, frame);
    return (scope) => {
      for (let i = 0; i < tests.length; i++) {
        if (truth((tests[i] as Evaluate)(scope))) return (bodies[i] as Run)(scope);
      }
      return rest(scope);
    };
  }

  #with({ targets, values, body }: Statement & { type: "With" }, frame: Frame, line: number): Run {
    const inner = this.#inner(frame);
    for (const target of targets) inner.symbols.meet(target);
    inner.symbols.meetAll(body);
    const place: Place = { symbols: frame.symbols, soft: frame.soft, line };
    const enter = entering(inner.symbols);
    const assigns = targets.map((target, index) => ({
      value: compileExpression(values[index] as Expression, place),
      assign: this.assign(target, inner, line),
    }));
    const run = this.body(body, inner);
    return (scope) => {
      enter(scope);
      for (const { value, assign } of assigns) assign(scope, value(scope));
      return run(scope);
    };
  }

  #autoEscape({ value, body }: Statement & { type: "AutoEscape" }, frame: Frame, line: number): Run {
    const inner = this.#inner(frame);
    inner.symbols.meet(value);
    inner.symbols.meetAll(body);
    const enter = entering(inner.symbols);
    const isOn = compileExpression(value, { symbols: inner.symbols, soft: false, line });
    const run = this.body(body, inner);
    return (scope) => {
      const { runtime } = scope;
      const before = runtime.autoescape;
      enter(scope);
      runtime.autoescape = truth(isOn(scope));
      const signal = run(scope);
      runtime.autoescape = before;
      return signal;
    };
  }

  #runBlock({ name, scoped, required, line }: BlockNode & { line: number }, { symbols }: Frame): Run {
    const locals = scoped ? [...symbols.assigned()].map(([local, slot]) => [local, readSlot(symbols, slot)] as const) : [];
    return (scope) => {
      if (required) throw new TemplateFault("TemplateRuntimeError", `Required block '${name}' not found`, line);
      const block = this.#blocks.get(name) as (scope: Scope, context: Context) => void;
      let { context } = scope;
      if (scoped) {
        const seen = locals.map(([local, read]) => [local, read(scope)] as const).filter(([, value]) => value !== missing);
        context = { ...context, variables: new Map([...context.variables, ...seen]) };
      }
      block(scope, context);
      return 0;
    };
  }
}

/** `{% generation %}` calls nothing but its own block. */
const noCall: CallNode = {
  type: "Call",
  callee: { type: "Constant", value: null },
  positional: [],
  named: [],
  rest: undefined,
  namedRest: undefined,
};
