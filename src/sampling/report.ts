import type { StepReport } from "./group.ts";
import { greatest } from "./logprobs.ts";

/** Follows the likeliest tokens of rows through their steps. */
export class ReportWriter {
  readonly #count: number;
  readonly #report: StepReport[] = [];
  #rows: Float32Array[] = [];

  /** @param count how many tokens of each row are followed; a row has no more than its vocabulary */
  constructor(count: number) {
    this.#count = count;
  }

  /** Begins with a row that no step has changed. */
  begin(raw: Float32Array): void {
    this.#report.push({
      tokens: greatest(raw, Math.min(this.#count, raw.length)),
      removedBy: new Int32Array(0),
      scores: new Float32Array(0),
    });
    this.#rows = [];
    this.note(raw);
  }

  /** Notes the scores behind a step. */
  note(scores: Float32Array): void {
    const { tokens } = this.#report.at(-1)!;
    this.#rows.push(Float32Array.from(tokens, (token) => scores[token]!));
  }

  /** Ends the row. */
  end(): void {
    const report = this.#report.at(-1)!;
    const { length } = report.tokens;
    report.scores = new Float32Array(this.#rows.length * length);
    report.removedBy = new Int32Array(length).fill(-1);
    this.#rows.forEach((row, index) => {
      report.scores.set(row, index * length);
      row.forEach((score, place) => {
        const isLost = score === -Infinity && index > 0 && this.#rows[index - 1]![place] !== -Infinity;
        if (isLost && report.removedBy[place] === -1) report.removedBy[place] = index - 1;
      });
    });
  }

  reports(): StepReport[] {
    return this.#report;
  }
}
