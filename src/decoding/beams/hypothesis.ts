import type { FinishReason } from "../../engine/request.ts";
import type { StopStrings } from "../stop-strings.ts";

/** The newest token of a beam, and what it follows: beams share their pasts. */
export interface Hypothesis {
  readonly parent: Hypothesis | undefined;
  readonly token: number;
  /** Which beam of the step before it goes on from. */
  readonly beam: number;
  /** New tokens, this one included. */
  readonly length: number;
  /** Looks for stop strings in the row up to here. */
  readonly stops?: StopStrings;
  /** Why the row ends with this token, where it does. */
  readonly finish?: FinishReason;
}

/** A row that a search gives back. */
export interface BeamRow {
  tokens: number[];
  /** [tokens] the beam of the step before that each token went on from: an index among the prompt's own beams. */
  beams: number[];
  /** Sum of the log probabilities, after processors, divided by length^lengthPenalty. */
  score: number;
  finishReason: FinishReason;
}

/** Writes a hypothesis out. */
export function rowOf(hypothesis: Hypothesis | undefined, score: number, otherwise: FinishReason): BeamRow {
  const tokens = new Array<number>(hypothesis?.length ?? 0);
  const beams = new Array<number>(tokens.length);
  for (let at = hypothesis; at; at = at.parent) {
    tokens[at.length - 1] = at.token;
    beams[at.length - 1] = at.beam;
  }
  return { tokens, beams, score, finishReason: hypothesis?.finish ?? otherwise };
}
