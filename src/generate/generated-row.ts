import type { FinishReason, RequestTimings } from "../engine/request.ts";
import type { PromptRow } from "./inputs.ts";

/** One output row. */
export interface GeneratedRow {
  prompt: PromptRow;
  newTokens: number[];
  finishReason: FinishReason;
  timings: RequestTimings;
  /** Of a search over beams: the row's score, and for each token the beam (of the whole batch) that it goes on from. */
  score?: number;
  beamIndices?: number[];
}
