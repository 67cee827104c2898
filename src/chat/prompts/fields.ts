import { TsumugiError } from "../../errors.ts";
import { checkIsOptions } from "../../util/option-types.ts";

/** Refuses what is no object (`invalid_input`) and fields that are not known (`unknown_option`); undefined ones pass. */
export function refuseUnknownFields(given: object, known: readonly string[], what: string): void {
  checkIsOptions(given, what);
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined || known.includes(option)) continue;
    const names = known.map((name) => `\`${name}\``).join(", ");
    throw new TsumugiError("unknown_option", { option, hint: `; ${what[0]!.toLowerCase()}${what.slice(1)} may have ${names}` });
  }
}
