import { TemplateFault } from "./fault.ts";

/** Units that every rendering may spend, whatever it is given. A conversation of a thousand messages takes about 100,000. */
const base = 2_000_000;
/** Further units for each UTF-16 unit or value of the template and its variables: a long conversation costs more. */
const perInput = 4;
/** Longest text, in UTF-16 units, that a template may make, whole or on the way. */
const longestText = 1 << 25;

/**
 * What a rendering may still spend. Every operation counts what it reads and makes: one unit for a step or a value, one for
 * eight UTF-16 units of text. A template that loops for ever, or blows up its texts or lists, runs out of it long before it
 * holds the process or fills its memory.
 */
export class Budget {
  #left: number;
  readonly #limit: number;

  /** `inputSize`: UTF-16 units and values of what is rendered. */
  constructor(inputSize: number) {
    this.#limit = base + perInput * inputSize;
    this.#left = this.#limit;
  }

  /** Counts units; throws when there are none left. */
  spend(units: number): void {
    this.#left -= units;
    if (!(this.#left >= 0)) {
      throw new TemplateFault("BudgetError", `it takes more than ${this.#limit} steps; it seems to loop for ever`);
    }
  }

  /** What to throw where an operation is too large whatever is left. */
  refuse(what: string): TemplateFault {
    return new TemplateFault("BudgetError", what);
  }

  /** Counts a text of this length before it is made or read. */
  text(length: number): void {
    if (length > longestText) throw new TemplateFault("BudgetError", `it makes a text of more than ${longestText} characters`);
    this.spend(length / 8);
  }
}
