import { z } from "zod";
import { TsumugiError } from "../errors.ts";
import { refusePromise } from "../util/callback-guard.ts";
import { expects, parseOption } from "../util/schemas.ts";

/**
 * Decides after each new token whether a row ends; it then ends with "stop".
 *
 * @param inputIds prompt (pads included) and new tokens of the row, the newest last
 * @param row index of the output row
 */
export type StoppingCriterion = (inputIds: readonly number[], row: number) => boolean;

/** The option `stoppingCriteria`. */
export const stoppingCriteriaSchema = expects(
  "a list of functions (inputIds, row) that give true or false",
  z.array(z.custom<StoppingCriterion>((item) => typeof item === "function")),
);

/** Checks the option `stoppingCriteria`; absent and empty lists give undefined. */
export function readStoppingCriteria(value: unknown): readonly StoppingCriterion[] | undefined {
  if (value === undefined || value === null) return undefined;
  const criteria = parseOption(stoppingCriteriaSchema, value, "stoppingCriteria");
  return criteria.length > 0 ? criteria : undefined;
}

/** Asks every criterion; a result that is neither true nor false is refused. */
export function meetsAny(criteria: readonly StoppingCriterion[], inputIds: readonly number[], row: number): boolean {
  const expected = "made of functions that give true or false (not a promise)";
  const answers = criteria.map((criterion) => criterion(inputIds, row) as unknown);
  for (const answer of answers) refusePromise(answer, "stoppingCriteria", expected);
  const wrong = answers.findIndex((answer) => typeof answer !== "boolean");
  if (wrong < 0) return answers.includes(true);
  throw new TsumugiError("invalid_option", {
    option: "stoppingCriteria",
    expected,
    found: `function ${wrong} gave ${typeof answers[wrong]}`,
  });
}
