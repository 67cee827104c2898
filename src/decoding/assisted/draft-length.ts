/** How `numAssistantTokens` changes; see `GenerationConfig`. */
export type AssistantSchedule = "constant" | "heuristic" | "heuristic_transient";

/** The length of the next draft of one row. Source: transformers 5.18, `AssistedCandidateGenerator.update_candidate_strategy`. */
export class DraftLength {
  tokens: number;
  /** A draft was judged. */
  hasLearned = false;
  readonly #schedule: AssistantSchedule;

  constructor(tokens: number, schedule: AssistantSchedule) {
    this.tokens = tokens;
    this.#schedule = schedule;
  }

  /** A draft was picked as a whole, or was not. */
  judge(drafted: number, accepted: number): void {
    if (this.#schedule === "constant") return;
    this.hasLearned = true;
    this.tokens = accepted === drafted ? this.tokens + 2 : Math.max(1, this.tokens - 1);
  }
}
