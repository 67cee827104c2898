import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { EngineSequence } from "./sequence.ts";

/**
 * Asks a request's drafter for a draft of each live sequence. Those that are there at once are taken; where one is awaited,
 * gives a promise of what takes them all.
 *
 * @param room the most tokens that the next step has for a sequence's draft
 */
export function askForDrafts(
  { drafter, live, maxLength = Number.POSITIVE_INFINITY }: ActiveRequest,
  model: Model,
  room: (sequence: EngineSequence) => number,
): Promise<() => void> | undefined {
  const answers: { sequence: EngineSequence; most: number; draft: readonly number[] | Promise<readonly number[]> }[] = [];
  for (const sequence of live) {
    sequence.draft = [];
    // The step picks one more token than the draft has, and the last token of a sequence never goes through the model.
    const most = Math.min(room(sequence), maxLength - sequence.tokens.length - 1, positionsLeft(sequence, model));
    if (!drafter || most < 1) continue;
    const draft = drafter.draft(sequence, most);
    // Said below, unless another sequence's draft throws at once: then nobody asks this one.
    if ("then" in draft) draft.catch(() => {});
    answers.push({ sequence, most, draft });
  }
  const take = (drafts: readonly (readonly number[])[]) => {
    answers.forEach(({ sequence, most }, index) => {
      sequence.draft = checked(drafts[index] ?? [], model).slice(0, most);
    });
  };
  const drafts = answers.map(({ draft }) => draft);
  if (drafts.every((draft) => !("then" in draft))) {
    take(drafts as (readonly number[])[]);
    return undefined;
  }
  return Promise.all(drafts).then((all) => () => take(all));
}

/** Tokens that can follow before the model has no position for another, or turns with other rotary factors. */
function positionsLeft({ tokens, rotaryLead }: EngineSequence, model: Model): number {
  const bound = model.positionsAreBounded ? model.maxPositions : Number.POSITIVE_INFINITY;
  const most = (model.rotarySwitch ?? Number.POSITIVE_INFINITY) - rotaryLead;
  return Math.min(bound, tokens.length > most ? Number.POSITIVE_INFINITY : most) - tokens.length;
}

function checked(draft: readonly number[], { vocabularySize }: Model): readonly number[] {
  const bad = draft.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize));
  if (bad === undefined) return draft;
  throw new TsumugiError("internal", { what: `a drafter gives token ${bad}, of a vocabulary of ${vocabularySize}` });
}
