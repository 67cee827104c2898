import { TsumugiError } from "../errors.ts";
import { showValue } from "../util/show-value.ts";

/** How much of a text an error shows. */
const shownLength = 40;

/** The error of a text that no token stands for, where there is no unknown token either (`unknown_text`). */
export function unknownText(text: string, reason: string): TsumugiError {
  const shown = text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
  return new TsumugiError("unknown_text", { text: JSON.stringify(shown), reason });
}

/** Says of the name of an unknown token that it is none. */
export function missingUnknown(name: string): string {
  return `its unknown token ${showValue(name)} is not in the vocabulary`;
}
