import type { Target } from "./ast.ts";
import { type Place, readSlot, slotOf } from "./compile-expression.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import type { Frame } from "./frame.ts";
import { iterate, setKey } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import type { Scope } from "./scope.ts";
import { Namespace, typeName, type Value } from "./values.ts";
import { walkExpression } from "./walk.ts";

/** Only namespaces have attributes that can be assigned. */
export function namespaceCheck(target: Target, place: Place): ((scope: Scope) => void) | undefined {
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

/** Assigns a value to a target. Where the template has blocks, what its top level assigns is exported to them. */
export function assignment(
  target: Target,
  frame: Frame,
  line: number,
  hasBlocks: boolean,
): (scope: Scope, value: Value) => void {
  const { symbols, isTopLevel } = frame;
  if (target.type === "Tuple") {
    const parts = target.items.map((item) => assignment(item as Target, frame, line, hasBlocks));
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
  const isExported = isTopLevel && hasBlocks;
  return (scope, value) => {
    scope.slots[index] = value;
    if (isExported) scope.context.exported.set(name, value);
  };
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
