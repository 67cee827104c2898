import { printable } from "../util/printable.ts";

/** A failed fetch whose message says why. */
export class FetchFailure extends Error {
  override readonly name = "FetchFailure";
}

/** Why a fetch failed. fetch itself says "fetch failed", or "Request was cancelled", and hides what happened in a cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  let reason = error.message || error.name;
  for (const each of causesOf(error)) {
    if (each.message !== "") reason = each.message;
    if (each instanceof FetchFailure) break;
  }
  return printable(reason, 300);
}

/** Whether an error, or one of its causes, has a code of Node (ECONNRESET) or of what fetches (UND_ERR_…). */
export function hasCauseCode(error: unknown, code: string): boolean {
  return causesOf(error).some((each) => (each as NodeJS.ErrnoException).code === code);
}

/** An error and its causes, the last one last. Of several failures at once (addresses of a host) the first counts. */
function causesOf(error: unknown): Error[] {
  const found: Error[] = [];
  for (let each = error; each instanceof Error && found.length < 8; ) {
    found.push(each);
    each = each instanceof AggregateError && each.errors.length > 0 ? each.errors[0] : each.cause;
  }
  return found;
}
