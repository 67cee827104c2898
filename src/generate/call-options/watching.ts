import { z } from "zod";
import type { StoppingCriterion } from "../../decoding/stopping-criteria.ts";
import { stoppingCriteriaSchema } from "../../decoding/stopping-criteria.ts";
import type { FinishReason } from "../../engine/request.ts";
import { abortSignal, callable, expects } from "../../util/schemas.ts";
import { defineCallOption } from "../define-call-option.ts";
import type { Streamer } from "../text-streamer.ts";

/** A new token of a row. */
type OnToken = (event: { row: number; token: number; finishReason?: FinishReason }) => void;

declare module "../options.ts" {
  interface CallOptions {
    /** Functions of your own that end rows: (inputIds, row) => true where the row ends. */
    stoppingCriteria?: readonly StoppingCriterion[] | null | undefined;
    /** Aborting rejects with `aborted`; `error.details.sequences` holds what had been generated. */
    signal?: AbortSignal | undefined;
    /** Gets the prompt's ids, then each token, then `end()`. One row only. */
    streamer?: Streamer | undefined;
    /**
     * Called for each new token of each row, as soon as it is there. What it throws, the call is rejected with; promises are
     * waited for before the call settles, and what they are rejected with, the call is too.
     */
    onToken?: ((event: { row: number; token: number; finishReason?: FinishReason }) => void) | undefined;
  }
}

const isStreamer = (value: unknown): value is Streamer => {
  const { put, end } = (value ?? {}) as Partial<Streamer>;
  return typeof put === "function" && typeof end === "function";
};

export const stoppingCriteria = defineCallOption({
  name: "stoppingCriteria",
  schema: stoppingCriteriaSchema.nullable(),
  default: null,
  callOnly: true,
  description: "Functions of your own that end rows: (inputIds, row) => true where the row ends.",
});

export const signal = defineCallOption({
  name: "signal",
  schema: abortSignal,
  default: null,
  callOnly: true,
  description: "Aborting rejects with `aborted`; `error.details.sequences` holds what had been generated.",
});

export const streamer = defineCallOption({
  name: "streamer",
  schema: expects("an object with put() and end()", z.custom<Streamer>(isStreamer)),
  default: null,
  callOnly: true,
  description: "Gets the prompt's ids, then each token, then `end()`. One row only.",
});

export const onToken = defineCallOption({
  name: "onToken",
  schema: callable<OnToken>("a function"),
  default: null,
  callOnly: true,
  description: "Called for each new token of each row, as soon as it is there.",
});
