import type { Streamer } from "./text-streamer.ts";

/** A streamer of a call, which hears of a failure too. */
export interface GuardedStreamer extends Streamer {
  /**
   * The call has failed. A loop over a TextIteratorStreamer must not wait for ever, and the next answer must not begin with
   * this one's rest.
   */
  fail(error: unknown): void;
}

/** Watches what a streamer gets; undefined where there is none. */
export function guardStreamer(streamer: Streamer | undefined): GuardedStreamer | undefined {
  if (!streamer) return undefined;
  let hasBegun = false;
  return {
    put(ids) {
      hasBegun = true;
      streamer.put(ids);
    },
    end: () => streamer.end(),
    fail(error) {
      if ("fail" in streamer && typeof streamer.fail === "function") streamer.fail(error);
      else if (hasBegun) streamer.end();
    },
  };
}
