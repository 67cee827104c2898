import type { Drafter } from "../../src/engine/request.ts";
import type { Seeded } from "./seeded.ts";

/** What a drafter was asked and told, all sequences together. */
export interface DrafterLog {
  asked: number;
  drafted: number;
  accepted: number;
  ended: number;
}

/**
 * Guesses from the true answers of a request's sequences (whole, by index), with a wrong token here and there; at once, or
 * later.
 */
export function guessingDrafter(
  random: Seeded,
  answers: readonly (readonly number[])[],
  vocabularySize: number,
): Drafter & { log: DrafterLog } {
  const log = { asked: 0, drafted: 0, accepted: 0, ended: 0 };
  const wrong = random.pick([0, 0.1, 0.5, 1]);
  const late = random.pick([0, 0.3, 1]);
  return {
    log,
    draft(sequence, most) {
      log.asked += 1;
      const from = sequence.tokens.length;
      const truth = answers[sequence.index]?.slice(from, from + random.integer(0, 12)) ?? [];
      const draft = truth.map((token) => (random.chance(wrong) ? random.integer(0, vocabularySize - 1) : token));
      // Behind the end of the answer, and more than was asked for: the engine takes what it can use.
      if (random.chance(0.2)) draft.push(...Array.from({ length: most }, () => random.integer(0, vocabularySize - 1)));
      if (!random.chance(late)) return draft;
      const turns = random.integer(0, 8);
      return (async () => {
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return draft;
      })();
    },
    judge(_, drafted, accepted) {
      log.drafted += drafted;
      log.accepted += accepted;
    },
    end() {
      log.ended += 1;
    },
  };
}
