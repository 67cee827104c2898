import type { Statement, Target } from "./ast.ts";
import { readSlot } from "./compile-expression.ts";
import { type Evaluate, missing, type Run, type Scope } from "./scope.ts";
import type { Load, Symbols } from "./symbols.ts";
import type { Value } from "./values.ts";

/** Where statements stand. */
export interface Frame {
  symbols: Symbols;
  soft: boolean;
  /** What is assigned here is seen by blocks. */
  isTopLevel: boolean;
  /** Whether `break` has a loop to leave. */
  inLoop: boolean;
}

/** What compiling a statement needs of the compiler of the template. */
export interface StatementCompiler {
  body(statements: readonly Statement[], frame: Frame): Run;
  assign(target: Target, frame: Frame, line: number): (scope: Scope, value: Value) => void;
}

/** Gives the variables of a scope what they begin as. */
export function entering(symbols: Symbols): (scope: Scope) => void {
  const steps = symbols.loads.flatMap(([{ index }, load]) => {
    const read = initial(symbols, load);
    return read ? [{ index, read }] : [];
  });
  return (scope) => {
    for (const { index, read } of steps) scope.slots[index] = read(scope);
  };
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
