import { TsumugiError } from "../errors.ts";
import { camelCase } from "./letter-case.ts";
import { nearestName } from "./nearest-name.ts";
import { checkIsOptions } from "./option-types.ts";

/** Names from Python or other libraries, and ours. */
const ourNames: { readonly [name: string]: string } = {
  torchDtype: "dtype",
  deviceMap: "device",
  inputs: "inputIds",
  maxTokens: "maxNewTokens",
  stop: "stopStrings",
  stopSequence: "stopStrings",
  numThreads: "threads",
  abortSignal: "signal",
  skipPrompt: "returnFullText",
  localOnly: "localFilesOnly",
};

/** Options that exist in Python and not here, with the reason. Names are in camelCase. */
export type Refusals = { readonly [name: string]: string };

/**
 * Refuses every option that is not in `known`, by name. One that is in `refusals` is refused with its reason
 * (`unsupported_option`); any other with a hint (`unknown_option`): its name here, or the nearest known name, or `otherwise`.
 * Options that are `undefined` pass.
 */
export function refuseUnknown(
  options: object | undefined,
  known: readonly string[],
  refusals: Refusals = {},
  otherwise = "",
): void {
  checkIsOptions(options);
  for (const [given, value] of Object.entries(options ?? {})) {
    if (known.includes(given) || value === undefined) continue;
    const option = given.length > 100 ? `${given.slice(0, 100)}…` : given;
    const name = camelCase(option);
    const reason = known.includes(name) || !Object.hasOwn(refusals, name) ? undefined : refusals[name];
    if (reason !== undefined) throw new TsumugiError("unsupported_option", { option, reason });
    throw new TsumugiError("unknown_option", { option, hint: hint(name, option, known) ?? otherwise });
  }
}

/** All known names in a sentence, for rooms with few options: the `otherwise` of `refuseUnknown`. */
export function listed(known: readonly string[]): string {
  return `; options are ${known.map((name) => `\`${name}\``).join(", ")}`;
}

function hint(name: string, option: string, known: readonly string[]): string | undefined {
  const ours = Object.hasOwn(ourNames, name) ? ourNames[name] : undefined;
  if (ours !== undefined && known.includes(ours)) return `: its name here is \`${ours}\``;
  if (name !== option && known.includes(name)) return `: its name here is \`${name}\``;
  const near = nearestName(name, known);
  return near ? ` (did you mean \`${near}\`?)` : undefined;
}
