import type { Expression, Name, NamespaceReference, Statement, Target } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { walkExpression } from "./walk.ts";

/** What runs as one function of Python: the template, a macro, a recursive loop, a block. It owns its variables. */
export class FunctionShape {
  readonly outer: FunctionShape | undefined;
  /** Number of its variables. */
  size = 0;

  constructor(outer?: FunctionShape) {
    this.outer = outer;
  }
}

/** A variable: its place in the function that owns it. */
export interface Slot {
  readonly shape: FunctionShape;
  readonly index: number;
}

/** What a variable is when its scope begins. */
export type Load =
  | { kind: "parameter" }
  | { kind: "resolve"; name: string }
  | { kind: "alias"; from: Slot }
  | { kind: "missing" };

/**
 * The names of one scope, as Jinja2's compiler sees them before anything runs: a name that the scope assigns is its own, and
 * begins as what it is outside; a name that it only reads is the outer one, or comes from the template's variables.
 */
export class Symbols {
  readonly shape: FunctionShape;
  readonly parent: Symbols | undefined;
  /** What looking through the template may cost. */
  readonly #budget: Budget;
  #refs = new Map<string, Slot>();
  #loads = new Map<Slot, Load>();
  #stores = new Set<string>();
  /** The slot of each name: branches of an `if` share them. */
  #slots = new Map<string, Slot>();

  /** `parent`: the scope around it; the outermost scope of a function without one has a budget instead. */
  constructor(shape: FunctionShape, parent: Symbols | Budget) {
    this.shape = shape;
    this.parent = parent instanceof Symbols ? parent : undefined;
    this.#budget = parent instanceof Symbols ? parent.#budget : parent;
  }

  /** What to do when the scope begins. */
  get loads(): readonly [Slot, Load][] {
    return [...this.#loads];
  }

  find(name: string): Slot | undefined {
    return this.#refs.get(name) ?? this.parent?.find(name);
  }

  /** Names that this scope or those around it assign, with their slots. */
  assigned(): Map<string, Slot> {
    const all = this.parent?.assigned() ?? new Map<string, Slot>();
    for (const name of this.#stores) all.set(name, this.find(name) as Slot);
    return all;
  }

  #define(name: string, load: Load): Slot {
    let slot = this.#slots.get(name);
    if (!slot) {
      slot = { shape: this.shape, index: this.shape.size };
      this.shape.size += 1;
      this.#slots.set(name, slot);
    }
    this.#refs.set(name, slot);
    this.#loads.set(slot, load);
    return slot;
  }

  declareParameter(name: string): Slot {
    this.#stores.add(name);
    return this.#define(name, { kind: "parameter" });
  }

  load(name: string): void {
    if (!this.find(name)) this.#define(name, { kind: "resolve", name });
  }

  store(name: string): void {
    this.#stores.add(name);
    if (this.#refs.has(name)) return;
    const from = this.parent?.find(name);
    this.#define(name, from ? { kind: "alias", from } : { kind: "missing" });
  }

  /** The same scope for one branch of an `if`. */
  #branch(): Symbols {
    this.#budget.spend(this.#refs.size + this.#stores.size);
    const copy = new Symbols(this.shape, this.parent ?? this.#budget);
    copy.#refs = new Map(this.#refs);
    copy.#loads = new Map(this.#loads);
    copy.#stores = new Set(this.#stores);
    copy.#slots = this.#slots;
    return copy;
  }

  /** Takes over what branches assign: a name that one of them may leave alone begins as what it is outside. */
  #join(branches: readonly Symbols[]): void {
    const stores = new Set<string>();
    for (const branch of branches) for (const name of branch.#stores) if (!this.#stores.has(name)) stores.add(name);
    for (const branch of branches) {
      for (const [name, slot] of branch.#refs) this.#refs.set(name, slot);
      for (const [slot, load] of branch.#loads) this.#loads.set(slot, load);
      for (const name of branch.#stores) this.#stores.add(name);
    }
    for (const name of stores) {
      const slot = this.find(name) as Slot;
      const from = this.parent?.find(name);
      this.#loads.set(slot, from ? { kind: "alias", from } : { kind: "resolve", name });
    }
  }

  #name = (name: Name | NamespaceReference): void => {
    if (name.type === "NamespaceReference" || name.context === "load") this.load(name.name);
    else if (name.context === "store") this.store(name.name);
    else this.declareParameter(name.name);
  };

  /** Meets the names of an expression or a target. */
  meet(expression: Expression): void {
    walkExpression(expression, this.#name);
  }

  /** Meets a target whose names are parameters of the scope, as those of a loop are. */
  meetParameters(target: Target): void {
    walkExpression(target, (name) => {
      if (name.type === "Name") this.declareParameter(name.name);
      else this.load(name.name);
    });
  }

  /** Meets the names of statements that belong to this scope; scopes inside are not entered. */
  meetAll(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case "Output":
        for (const item of statement.items) if (typeof item !== "string") this.meet(item);
        return;
      case "Assign":
        this.meet(statement.value);
        this.meet(statement.target);
        return;
      case "AssignBlock":
        this.meet(statement.target);
        return;
      case "For":
        this.meet(statement.iterable);
        return;
      case "If":
        this.#if(statement.branches, statement.otherwise);
        return;
      case "Macro":
        this.store(statement.name);
        return;
      case "CallBlock":
        this.meet(statement.call);
        return;
      case "FilterBlock":
        this.meet(statement.filter);
        return;
      case "With":
        for (const value of statement.values) this.meet(value);
        return;
      case "Load":
        this.meet(statement.template);
        for (const name of statement.stores) this.store(name);
        return;
    }
  }

  /** An `elif` is met as an `if` in the else branch of the one before it. */
  #if(branches: readonly { test: Expression; body: Statement[] }[], otherwise: readonly Statement[]): void {
    const [first, ...others] = branches as [{ test: Expression; body: Statement[] }];
    this.meet(first.test);
    const body = this.#branch();
    body.meetAll(first.body);
    const elseIf = this.#branch();
    for (const { test, body: inner } of others) elseIf.#if([{ test, body: inner }], []);
    const rest = this.#branch();
    rest.meetAll(otherwise);
    this.#join([body, elseIf, rest]);
  }
}
