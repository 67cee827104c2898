import type { BlockNode, CallBlockNode, CallNode, Expression, ForNode, IfNode, MacroNode, Statement, Target } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { compileBlockFilter, compileCall, compileExpression, type Place, readSlot, slotOf } from "./compile-expression.ts";
import { escaped } from "./escape.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { LoopContext } from "./loop-context.ts";
import { createMacro, type MacroShape } from "./macro.ts";
import { iterate, iterator, setKey, truth } from "./protocol.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { type Context, type Evaluate, missing, type Run, Scope } from "./scope.ts";
import { FunctionShape, type Load, type Slot, Symbols } from "./symbols.ts";
import { Callable, LazyIterator, Markup, Namespace, typeName, Undefined, type Value } from "./values.ts";
import { bodiesOf, expressionsOf, namesRead, walkExpression } from "./walk.ts";

/** A template that is ready to be rendered. */
export type CompiledTemplate = (runtime: Runtime, names: Pick<Context, "variables" | "globals">) => string;

/** Where statements stand. */
interface Frame {
  symbols: Symbols;
  soft: boolean;
  /** What is assigned here is seen by blocks. */
  isTopLevel: boolean;
  /** Whether `break` has a loop to leave. */
  inLoop: boolean;
}

/** Compiles a parsed template. */
export function compileTemplate(statements: readonly Statement[], budget: Budget): CompiledTemplate {
  return new Compiler(statements, budget).template(statements);
}

class Compiler {
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
    const enter = this.#enter(symbols);
    const body = this.#body(statements, frame);
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
    const enter = this.#enter(symbols);
    const run = this.#body(body, { symbols, soft: false, isTopLevel: false, inLoop: false });
    return (outer, context) => {
      const scope = new Scope(outer.runtime, context, shape.size);
      if (self) scope.slots[self.index] = this.#selfOf(scope);
      if (above) scope.slots[above.index] = new Undefined(`there is no parent block called '${name}'.`);
      enter(scope);
      run(scope);
    };
  }

  /** Gives the variables of a scope what they begin as. */
  #enter(symbols: Symbols): (scope: Scope) => void {
    const steps = symbols.loads.flatMap(([{ index }, load]) => {
      const read = initial(symbols, load);
      return read ? [{ index, read }] : [];
    });
    return (scope) => {
      for (const { index, read } of steps) scope.slots[index] = read(scope);
    };
  }

  #body(statements: readonly Statement[], frame: Frame): Run {
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
        const check = this.#namespaceCheck(statement.target, place);
        const assign = this.#assign(statement.target, frame, line);
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
        return this.#for(statement, frame, line);
      case "Macro": {
        const make = this.#macro(statement, statement.name, frame, line);
        const assign = this.#assign({ type: "Name", name: statement.name, context: "store" }, frame, line);
        return (scope) => {
          assign(scope, make(scope));
          return 0;
        };
      }
      case "CallBlock": {
        const caller = this.#macro(statement, undefined, frame, line);
        return output([compileCall(statement.call, place, caller)]);
      }
      case "Generation": {
        const block: CallBlockNode = { type: "CallBlock", names: [], defaults: [], call: noCall, body: statement.body };
        const caller = this.#macro(block, undefined, frame, line);
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
    const enter = this.#enter(inner.symbols);
    const run = this.#body(body, { ...inner, inLoop: false });
    return (scope) =>
      captured(scope, () => {
        enter(scope);
        run(scope);
      });
  }

  #assignBlock(statement: Statement & { type: "AssignBlock" }, frame: Frame): Run {
    const inner = this.#inner(frame);
    inner.symbols.meetAll(statement.body);
    if (statement.filter) inner.symbols.meet(statement.filter);
    const text = this.#capture(statement.body, inner);
    const place = { symbols: inner.symbols, soft: false, line: statement.line };
    const value = statement.filter ? compileBlockFilter(statement.filter, place, text) : text;
    const check = this.#namespaceCheck(statement.target, { ...place, symbols: frame.symbols });
    const assign = this.#assign(statement.target, frame, statement.line);
    return (scope) => {
      const made = value(scope);
      check?.(scope);
      assign(scope, scope.runtime.autoescape && typeof made === "string" ? new Markup(made) : made);
      return 0;
    };
  }

  /** Only namespaces have attributes that can be assigned. */
  #namespaceCheck(target: Target, place: Place): ((scope: Scope) => void) | undefined {
    const names: string[] = [];
    walkExpression(target, (name) => {
      if (name.type === "NamespaceReference") names.push(name.name);
    });
    if (names.length === 0) return undefined;
    const reads = names.map((name) => readSlot(place.symbols, slotOf(place.symbols, name, place.line)));
    return (scope) => {
      for (const read of reads) {
        if (read(scope) instanceof Namespace) continue;
        throw new TemplateFault("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
      }
    };
  }

  #assign(target: Target, frame: Frame, line: number): (scope: Scope, value: Value) => void {
    const { symbols, isTopLevel } = frame;
    if (target.type === "Tuple") {
      const parts = target.items.map((item) => this.#assign(item as Target, frame, line));
      return (scope, value) => {
        const values = unpacked(scope.runtime, value, parts.length);
        for (let i = 0; i < parts.length; i++) (parts[i] as (typeof parts)[number])(scope, values[i] as Value);
      };
    }
    if (target.type === "NamespaceReference") {
      const read = readSlot(symbols, slotOf(symbols, target.name, line));
      const { attribute } = target;
      return (scope, value) => setKey(scope.runtime, (read(scope) as Namespace).attributes, attribute, value);
    }
    const { name } = target;
    const { index } = slotOf(symbols, name, line);
    const isExported = isTopLevel && this.#blockNodes.length > 0;
    return (scope, value) => {
      scope.slots[index] = value;
      if (isExported) scope.context.exported.set(name, value);
    };
  }

  #if({ branches, otherwise }: IfNode, frame: Frame, line: number): Run {
    const place: Place = { symbols: frame.symbols, soft: true, line };
    const tests = branches.map(({ test }) => compileExpression(test, place));
    const bodies = branches.map(({ body }) => this.#body(body, frame));
    const rest = this.#body(otherwise, frame);
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
    const enter = this.#enter(inner.symbols);
    const assigns = targets.map((target, index) => ({
      value: compileExpression(values[index] as Expression, place),
      assign: this.#assign(target, inner, line),
    }));
    const run = this.#body(body, inner);
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
    const enter = this.#enter(inner.symbols);
    const isOn = compileExpression(value, { symbols: inner.symbols, soft: false, line });
    const run = this.#body(body, inner);
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

  /** A macro, or the block of a `{% call %}`: made where it stands, it sees the scopes that it is written in. */
  #macro(node: MacroNode | CallBlockNode, name: string | undefined, frame: Frame, line: number): Evaluate {
    const shape = new FunctionShape(frame.symbols.shape);
    const symbols = new Symbols(shape, frame.symbols);
    for (const each of node.names) symbols.meet(each);
    for (const each of node.defaults) symbols.meet(each);
    symbols.meetAll(node.body);
    const parameters = node.names.map((each) => each.name);
    const read = namesRead(node.body, ["caller", "kwargs", "varargs"]);
    const callerAt = parameters.indexOf("caller");
    if (read.has("caller") && callerAt >= 0 && callerAt < parameters.length - node.defaults.length) {
      const message =
        'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.';
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
    const enter = this.#enter(symbols);
    const body = this.#body(node.body, { symbols, soft: false, isTopLevel: false, inLoop: false });
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

  #for(node: ForNode, frame: Frame, line: number): Run {
    checkLoopNames(node, line);
    const place: Place = { symbols: frame.symbols, soft: frame.soft, line };
    const iterable = compileExpression(node.iterable, place);
    const shape = node.recursive ? new FunctionShape(frame.symbols.shape) : frame.symbols.shape;
    const loop = this.#loop(node, frame, shape, line);
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

  #loop(node: ForNode, frame: Frame, shape: FunctionShape, line: number) {
    const symbols = new Symbols(shape, frame.symbols);
    const isExtended =
      node.recursive || namesRead(node.body, ["loop"]).has("loop") || node.body.some((each) => hasScopedBlock(each));
    const loopSlot = isExtended ? symbols.declareParameter("loop") : undefined;
    symbols.meetParameters(node.target);
    symbols.meetAll(node.body);
    const inner: Frame = { symbols, soft: false, isTopLevel: false, inLoop: true };
    const enter = this.#enter(symbols);
    const assign = this.#assign(node.target, inner, line);
    const body = this.#body(node.body, inner);
    const select = node.test && this.#select(node.target, node.test, frame, shape, line);
    const otherwise = node.otherwise.length > 0 ? this.#otherwise(node.otherwise, frame, shape) : undefined;

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
  #select(target: Target, test: Expression, frame: Frame, shape: FunctionShape, line: number) {
    const symbols = new Symbols(shape, frame.symbols);
    symbols.meetParameters(target);
    symbols.meet(test);
    const inner: Frame = { symbols, soft: false, isTopLevel: false, inLoop: false };
    const enter = this.#enter(symbols);
    const assign = this.#assign(target, inner, line);
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

  #otherwise(body: readonly Statement[], frame: Frame, shape: FunctionShape): Run {
    const symbols = new Symbols(shape, frame.symbols);
    symbols.meetAll(body);
    const enter = this.#enter(symbols);
    const run = this.#body(body, {
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
}

/** What a variable begins as; undefined: its scope assigns it. */
function initial(symbols: Symbols, load: Load): Evaluate | undefined {
  switch (load.kind) {
    case "parameter":
      return undefined;
    case "missing":
      return () => missing;
    case "resolve":
      return (scope) => scope.resolve(load.name);
    case "alias":
      return readSlot(symbols, load.from);
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

/** Writes texts and values. */
function output(items: readonly (string | Evaluate)[]): Run {
  return (scope) => {
    const { runtime } = scope;
    for (const item of items) {
      if (typeof item === "string") {
        runtime.budget.text(item.length);
        runtime.out += item;
        continue;
      }
      const value = item(scope);
      const text = runtime.autoescape ? escaped(runtime, value).text : textFrom(runtime, value);
      runtime.budget.text(text.length);
      runtime.out += text;
    }
    return 0;
  };
}

/** The text that `run` writes. */
function captured({ runtime }: Scope, run: () => void): string {
  const before = runtime.out;
  runtime.out = "";
  run();
  const text = runtime.out;
  runtime.out = before;
  return text;
}

function unpacked(runtime: Runtime, value: Value, count: number): Value[] {
  const source = iterate(runtime, value);
  if (!source) throw typeError(`cannot unpack non-iterable ${typeName(value)} object`);
  const values: Value[] = [];
  for (let next = source.next(); !next.done; next = source.next()) {
    if (values.length === count) throw valueError(`too many values to unpack (expected ${count})`);
    values.push(next.value);
  }
  if (values.length < count) throw valueError(`not enough values to unpack (expected ${count}, got ${values.length})`);
  return values;
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
