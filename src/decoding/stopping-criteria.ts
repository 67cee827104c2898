import { TsumugiError } from "../errors.ts";

/**
 * Decides after each new token whether a row ends; it then ends with "stop".
 *
 * @param inputIds prompt (pads included) and new tokens of the row, the newest last
 * @param row index of the output row
 */
export type StoppingCriterion = (inputIds: readonly number[], row: number) => boolean;

/** Checks the option `stoppingCriteria`; absent and empty lists give undefined. */
export function readStoppingCriteria(value: unknown): readonly StoppingCriterion[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "function")) {
    return value.length > 0 ? (value as StoppingCriterion[]) : undefined;
  }
  const expected = "a list of functions (inputIds, row) that give true or false";
  throw new TsumugiError("invalid_option", { option: "stoppingCriteria", expected, given: value });
}

/** Asks every criterion; a result that is neither true nor false is refused. */
export function meetsAny(criteria: readonly StoppingCriterion[], inputIds: readonly number[], row: number): boolean {
  const answers = criteria.map((criterion) => criterion(inputIds, row) as unknown);
  const wrong = answers.find((answer) => typeof answer !== "boolean");
  if (wrong === undefined) return answers.includes(true);
  const expected = "made of functions that give true or false (not a promise)";
  throw new TsumugiError("invalid_option", { option: "stoppingCriteria", expected, found: typeof wrong });
}
