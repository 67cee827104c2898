import { TsumugiError } from "../errors.ts";
import type { SamplingGroup } from "./group.ts";

/**
 * Checks groups before they reach a backend's sampler, which trusts them.
 *
 * @param logitRows rows of logits that the step has
 * @throws `invalid_input`
 */
export function checkGroups(groups: readonly SamplingGroup[], logitRows: number, vocabularySize: number): void {
  for (const group of groups) checkGroup(group, logitRows, vocabularySize);
}

function checkGroup(group: SamplingGroup, logitRows: number, vocabularySize: number): void {
  const { rows, steps, guides, bias, pick, count, stream, target, logprobs, report } = group;
  if (rows.length === 0) refuse("Rows of a sampling group", "at least one", 0);
  for (const row of rows) checkPlace("A row", row, logitRows);
  for (const row of guides ?? []) checkPlace("A row", row, logitRows);
  checkLength("Lists of steps of a sampling group", steps, rows.length);
  if (guides) checkLength("Guides of a sampling group", guides, rows.length);
  if (bias) checkLength("Biases of a sampling group", bias, rows.length);
  const isGuided = steps.some((list) => list.some(({ kind }) => kind === "guide"));
  if (isGuided && !guides) refuse("`guides` of a sampling group with a step `guide`", "a row for each row", guides);
  if (pick === "draw" && !stream) refuse("`stream` of a sampling group that draws", "a random stream", stream);
  if (pick === "score") {
    checkLength("Targets of a sampling group", target ?? [], rows.length);
    for (const token of target!) checkPlace("A target", token, vocabularySize);
  }
  checkCount(pick === "argmax" ? 1 : pick === "score" ? rows.length : undefined, count, rows.length * vocabularySize);
  if (logprobs !== undefined && !(Number.isSafeInteger(logprobs) && logprobs >= 0)) {
    refuse("`logprobs` of a sampling group", "a whole number of at least 0", logprobs);
  }
  if (report !== undefined && !(Number.isSafeInteger(report) && report >= 1)) {
    refuse("`report` of a sampling group", "a whole number of at least 1", report);
  }
}

/** @param only the count that the kind of pick allows, where it allows only one */
function checkCount(only: number | undefined, count: number, most: number): void {
  const isGood = only === undefined ? Number.isSafeInteger(count) && count >= 1 && count <= most : count === only;
  if (!isGood) refuse("`count` of a sampling group", only ?? `1 to ${most}`, count);
}

function checkPlace(what: string, place: number, count: number): void {
  if (!Number.isInteger(place) || place < 0 || place >= count) refuse(what, `0 to ${count - 1}`, place);
}

function checkLength(what: string, list: readonly unknown[], length: number): void {
  if (list.length !== length) refuse(what, length, list.length);
}

function refuse(what: string, expected: unknown, given: unknown): never {
  throw new TsumugiError("invalid_input", { what, expected, given });
}
