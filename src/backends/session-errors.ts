import { TsumugiError } from "../errors.ts";
import type { Step } from "./backend.ts";

/** Refuses a row that a step does not have (`invalid_input`). */
export function checkRow(row: number, rows: number): void {
  if (!Number.isInteger(row) || row < 0 || row >= rows) {
    throw new TsumugiError("invalid_input", { what: "A row", expected: `0 to ${rows - 1}`, given: row });
  }
}

/** The error of a step that was never submitted, or was released before (`internal`). */
export function unknownStep(step: Step): TsumugiError {
  return new TsumugiError("internal", { what: `step ${step} is unknown or was released` });
}

/** The error of whatever asks for an adapter (`unsupported_option`). */
export function noAdapters(): TsumugiError {
  return new TsumugiError("unsupported_option", { option: "adapter", reason: "adapters cannot be loaded yet" });
}
