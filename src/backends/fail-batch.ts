import { TsumugiError } from "../errors.ts";

/** Refuses a batch with `batch_invalid`. */
export function failBatch(what: string, expected: unknown, given: unknown): never {
  throw new TsumugiError("batch_invalid", { what, expected, given });
}
