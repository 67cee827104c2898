import { TsumugiError } from "../../errors.ts";

/** Waits for the addon. What it throws becomes an error `internal`, which says that a step failed. */
export async function guardStep(calls: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.all(calls);
  } catch (cause) {
    throw stepFailed(cause);
  }
}

/** The error of a step that failed. */
export function stepFailed(cause: unknown): TsumugiError {
  const what = `a step failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new TsumugiError("internal", { what }, { cause });
}
