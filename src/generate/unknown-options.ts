import { TsumugiError } from "../errors.ts";
import { checkIsOptions } from "../util/option-types.ts";
import { camelCase } from "./generation-fields.ts";

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

/** Options that exist in Python and not here, with the reason. */
export type Refusals = { readonly [name: string]: string };

/** Refuses every option that is not in `known`, by name: with the reason if it is a known one, else with a hint. */
export function refuseUnknown(options: object, known: readonly string[], refusals: Refusals = {}): void {
  checkIsOptions(options);
  for (const [option, value] of Object.entries(options)) {
    if (known.includes(option) || value === undefined) continue;
    const name = camelCase(option);
    const reason = refusals[name];
    if (reason !== undefined) throw new TsumugiError("unsupported_option", { option, reason });
    throw new TsumugiError("unknown_option", { option, hint: hint(name, option, known) });
  }
}

function hint(name: string, option: string, known: readonly string[]): string {
  const ours = ourNames[name];
  if (ours !== undefined && known.includes(ours)) return `: its name here is \`${ours}\``;
  if (name !== option && known.includes(name)) return `: its name here is \`${name}\``;
  const distances = known.map((candidate) => distance(candidate.toLowerCase(), name.toLowerCase()));
  const nearest = Math.min(...distances);
  const near = nearest <= 2 ? known[distances.indexOf(nearest)] : undefined;
  return near ? ` (did you mean \`${near}\`?)` : "";
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
