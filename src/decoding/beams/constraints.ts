/**
 * What a row must contain, and how far it has got: a phrase, or one of several phrases.
 *
 * Source: transformers 4.4x, `generation/beam_constraints.py` (`PhrasalConstraint`, `DisjunctiveConstraint`).
 */
export class Constraint {
  readonly #phrases: readonly (readonly number[])[];
  /** Tokens of the longest phrase. */
  readonly longest: number;
  #made: readonly number[] = [];

  /** @param phrases token ids; one phrase, or alternatives of which none may begin another */
  constructor(phrases: readonly (readonly number[])[]) {
    this.#phrases = phrases;
    this.longest = Math.max(...phrases.map(({ length }) => length));
  }

  /** Tokens that lead on, in the order in which the phrases were given. */
  advance(): number[] {
    const at = this.#made.length;
    return [...new Set(this.#open().flatMap((phrase) => phrase.slice(at, at + 1)))];
  }

  advances(token: number): boolean {
    return this.advance().includes(token);
  }

  /** Takes a token that leads on. True when that completes the constraint. */
  take(token: number): boolean {
    this.#made = [...this.#made, token];
    return this.#open().some(({ length }) => length === this.#made.length);
  }

  /** Tokens to go, reckoned by the longest phrase. */
  get remaining(): number {
    return this.longest - this.#made.length;
  }

  /** The same phrases, from the start. */
  restart(): Constraint {
    return new Constraint(this.#phrases);
  }

  fork(): Constraint {
    const copy = new Constraint(this.#phrases);
    copy.#made = this.#made;
    return copy;
  }

  #open(): readonly (readonly number[])[] {
    return this.#phrases.filter((phrase) => this.#made.every((token, place) => phrase[place] === token));
  }
}

/** How far a row has got with all its constraints (`ConstraintListState`). */
export class ConstraintProgress {
  readonly #constraints: readonly Constraint[];
  readonly #longest: number;
  #complete = 0;
  #current: Constraint | undefined;
  #pending: readonly Constraint[];

  constructor(constraints: readonly Constraint[]) {
    this.#constraints = constraints;
    this.#longest = Math.max(...constraints.map(({ longest }) => longest));
    this.#pending = constraints;
  }

  get completed(): boolean {
    return this.#current === undefined && this.#pending.length === 0;
  }

  /** Steps made: rows are held against others of the same bank. */
  get bank(): number {
    const started = this.#current ? this.#longest - this.#current.remaining : 0;
    return this.#complete * this.#longest + started;
  }

  /** Tokens that lead on. */
  advance(): number[] {
    return this.#current ? this.#current.advance() : this.#pending.flatMap((constraint) => constraint.advance());
  }

  add(token: number): void {
    if (this.#current) {
      this.#continue(this.#current, token);
      return;
    }
    const index = this.#pending.findIndex((constraint) => constraint.advances(token));
    if (index < 0) return;
    const constraint = this.#pending[index]!.fork();
    this.#pending = this.#pending.filter((_, place) => place !== index);
    if (constraint.take(token)) this.#complete++;
    else this.#current = constraint;
  }

  /** Independent of this one; the constraints themselves are never changed. */
  fork(): ConstraintProgress {
    const copy = new ConstraintProgress(this.#constraints);
    copy.#complete = this.#complete;
    copy.#current = this.#current?.fork();
    copy.#pending = this.#pending;
    return copy;
  }

  #continue(current: Constraint, token: number): void {
    if (!current.advances(token)) {
      // broken off: it waits again, behind the others; the token itself counts for nothing
      this.#pending = [...this.#pending, current.restart()];
      this.#current = undefined;
    } else if (current.take(token)) {
      this.#complete++;
      this.#current = undefined;
    }
  }
}
