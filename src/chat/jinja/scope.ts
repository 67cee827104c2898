import type { Runtime } from "./runtime.ts";
import { Undefined, type Value } from "./values.ts";

/** What a variable holds that has no value yet. */
export const missing: Value = new Undefined("a variable is not assigned yet");

/** Where names are found that no scope assigns: what the template exports, the caller's variables, then what all have. */
export interface Context {
  readonly globals: ReadonlyMap<string, Value>;
  readonly variables: ReadonlyMap<string, Value>;
  readonly exported: Map<string, Value>;
}

/** The variables of one call of a function of the template. */
export class Scope {
  readonly runtime: Runtime;
  readonly context: Context;
  readonly outer: Scope | undefined;
  readonly slots: Value[];

  constructor(runtime: Runtime, context: Context, size: number, outer?: Scope) {
    this.runtime = runtime;
    this.context = context;
    this.outer = outer;
    this.slots = new Array<Value>(size).fill(missing);
  }

  /** The value of a name in the template's variables. */
  resolve(name: string): Value {
    const { exported, variables, globals } = this.context;
    let found = exported.size > 0 ? exported.get(name) : undefined;
    if (found === undefined) found = variables.get(name);
    if (found === undefined) found = globals.get(name);
    return found === undefined ? missing : found;
  }
}

/** Gives an expression's value. */
export type Evaluate = (scope: Scope) => Value;

/** Runs a statement; tells how its loop goes on: 0 with the next statement, 1 not at all (break), 2 with the next item. */
export type Run = (scope: Scope) => 0 | 1 | 2;
