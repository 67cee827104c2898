import type { DecodedRow } from "../decoding/request-options.ts";
import type { RequestTimings } from "../engine/request.ts";
import type { PromptRow } from "./prompt-row.ts";

/** One output row, as it was decoded. */
export interface GeneratedRow extends DecodedRow {
  prompt: PromptRow;
  timings: RequestTimings;
}
