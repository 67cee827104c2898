import type { FinishReason, Request, RequestResult } from "../engine/request.ts";
import type { Model } from "../ops/program.ts";
import type { RandomStream } from "../sampling/index.ts";
import type { Assistance } from "./assisted/assistance.ts";
import type { BatchPlace } from "./batch-place.ts";
import type { StepOutputs } from "./step-outputs.ts";
import type { StoppingCriterion } from "./stopping-criteria.ts";
import type { TokenBytes } from "./token-bytes.ts";

/** What a request is made with, beside its settings and its prompt. */
export interface RequestOptions extends Pick<Request, "deadline" | "signal" | "priority"> {
  model: Model;
  /** New tokens that each row may get: see `newTokenLimit`. */
  maxNewTokens: number;
  /** Rows that fork from the prompt; a search ignores it, with guidance it is 1. Default: `numReturnSequences`. */
  copies?: number;
  /** Default: the request stands alone. */
  place?: BatchPlace;
  /** Needed with `doSample`: where random numbers come from. */
  stream?: RandomStream | undefined;
  /** Needed where stop strings are set, or a processor reads text. */
  tokenBytes?: TokenBytes | undefined;
  stoppingCriteria?: readonly StoppingCriterion[] | undefined;
  /** Makes the drafts of assisted generation. */
  assistance?: Assistance | undefined;
  /** What is to be seen of every step. */
  outputs?: StepOutputs;
  /** Called for each new token of each row, by index in the batch; a search knows its rows at the end only. */
  onToken?: (row: number, token: number, finish: FinishReason | undefined) => void;
}

/** One row that a request gave. */
export interface DecodedRow {
  newTokens: number[];
  finishReason: FinishReason;
  /** A search over beams gives the log probability behind all processors, divided by length^lengthPenalty. */
  score?: number;
  /** A search over beams says which beam (of the whole batch) each token goes on from. */
  beamIndices?: number[];
}

/** A request to the engine that knows what its rows are. */
export interface RowRequest extends Request {
  /** New tokens of its longest row so far: how much of the random stream it has used. */
  steps(): number;
  /** All rows of a request that ended so, best first of a search. Rows that ended before they were forked have no tokens. */
  rows(result: RequestResult): DecodedRow[];
}
