import { checkIsOptions } from "../../util/option-types.ts";
import { refuseUnknown } from "../../util/unknown-options.ts";

/** Refuses what is no object (`invalid_input`) and fields that are not known (`unknown_option`); undefined ones pass. */
export function refuseUnknownFields(given: object, known: readonly string[], what: string): void {
  checkIsOptions(given, what);
  const names = known.map((name) => `\`${name}\``).join(", ");
  refuseUnknown(given, known, {}, `; ${what[0]!.toLowerCase()}${what.slice(1)} may have ${names}`);
}
