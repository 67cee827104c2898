/** Most steps of one rendering. A conversation of a thousand messages takes about a hundred thousand. */
const mostSteps = 500_000;
/** Longest text, in UTF-16 units, that a template may make, whole or on the way. */
const longestText = 1 << 25;

/** What a rendering may still spend: a template that loops for ever, or blows up its text, runs out of it. */
export class Budget {
  #steps = mostSteps;

  /** Counts steps; throws when there are none left. */
  spend(steps = 1): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new Error(`it takes more than ${mostSteps} steps; it seems to loop for ever`);
  }

  /** Counts a text: it costs by its length, which has a limit of its own. */
  text(text: string): string {
    if (text.length > longestText) throw new Error(`it makes a text of more than ${longestText} characters`);
    this.spend(text.length / 4096);
    return text;
  }

  /** Counts a list, or a text. */
  value(value: unknown): void {
    if (Array.isArray(value)) this.spend(value.length);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof Map) this.spend(value.size);
  }
}
