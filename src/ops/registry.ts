import { TsumugiError } from "../errors.ts";
import type { GivenAttributes } from "./attributes.ts";
import type { OpDefinition } from "./definition.ts";
import * as definitions from "./index.ts";

type Definitions = (typeof definitions)[keyof typeof definitions];

/** Names of all ops. */
export type OpName = Definitions["name"];

/** Attributes as a program may give them to the op of this name. */
export type AttributesOf<Name extends OpName> = GivenAttributes<Extract<Definitions, { name: Name }>["attributes"]>;

/** The op registry, by name. */
export const ops: ReadonlyMap<string, OpDefinition> = new Map(
  Object.values(definitions).map((definition) => [definition.name, definition as OpDefinition]),
);

/** The definition of an op; throws `op_unknown`. */
export function opDefinition(name: string): OpDefinition {
  const definition = ops.get(name);
  if (!definition) throw new TsumugiError("op_unknown", { op: name, known: [...ops.keys()].join(", ") });
  return definition;
}
