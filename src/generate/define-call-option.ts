import type { OptionDefinition } from "../util/option-definition.ts";
import type { CallOptions } from "./options.ts";

/** An option of a call of `generate`. Where the schema turns a value into another, only whether it passes counts. */
export type CallOptionDefinition<Name extends string = string, Value = unknown> = OptionDefinition<Name, Value>;

/** Declares an option of a call that is typed in `CallOptions`. */
export function defineCallOption<const Name extends keyof CallOptions & string, Value>(
  definition: CallOptionDefinition<Name, Value>,
): CallOptionDefinition<Name, Value> {
  return definition;
}
