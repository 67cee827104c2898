import type { DecoderAction, Sequence } from "../../engine/request.ts";
import { TsumugiError } from "../../errors.ts";
import type { StateObserver } from "../step-outputs.ts";

/** How a beam goes on: the beam of the step before that it continues, and its token. */
export interface BeamMove {
  beam: number;
  token: number;
}

/**
 * Which sequence of the engine each beam is. At the start all beams are the prompt's one sequence; afterwards the first
 * child of a beam takes its sequence over, the others fork it, and sequences without a child are dropped.
 */
export class RunningBeams {
  readonly #beams: number;
  /** Per beam: a sequence that was there before, or the number of a fork made since. Empty at the start. */
  #places: (Sequence | number)[] = [];

  constructor(beams: number) {
    this.#beams = beams;
  }

  /** For each beam, its index among the live sequences. */
  locate(sequences: readonly Sequence[]): number[] {
    if (this.#places.length === 0) return new Array<number>(this.#beams).fill(0);
    // Forks come behind all others, in the order they were made.
    const forks = this.#places.filter((place) => typeof place === "number").length;
    const rows = this.#places.map((place) =>
      typeof place === "number" ? sequences.length - forks + place : sequences.indexOf(place),
    );
    if (rows.some((row) => !sequences[row])) throw new TsumugiError("internal", { what: "a beam has lost its sequence" });
    return rows;
  }

  /** Says of each sequence which beams it is: what was observed of it is theirs. `rowOf` gives a beam's row. */
  tell(states: StateObserver | undefined, sequences: readonly Sequence[], rowOf: (beam: number) => number): void {
    if (!states) return;
    const at = this.locate(sequences);
    for (const [index, sequence] of sequences.entries()) {
      const beams = at.flatMap((place, beam) => (place === index ? [beam] : []));
      states.commit(sequence, beams.map(rowOf));
    }
  }

  /** Moves all beams at once; the moves are in the order of the beams from now on. */
  move(moves: readonly BeamMove[], sequences: readonly Sequence[]): DecoderAction[] {
    const rows = this.locate(sequences);
    const taken = new Set<Sequence>();
    const actions: DecoderAction[] = [];
    let forks = 0;
    this.#places = moves.map(({ beam, token }) => {
      const sequence = sequences[rows[beam]!]!;
      const isFirst = !taken.has(sequence);
      taken.add(sequence);
      actions.push({ kind: isFirst ? "append" : "fork", sequence, token });
      return isFirst ? sequence : forks++;
    });
    for (const sequence of sequences) if (!taken.has(sequence)) actions.push({ kind: "drop", sequence });
    return actions;
  }
}
