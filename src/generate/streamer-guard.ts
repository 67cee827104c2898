import { isThenable } from "../util/callback-guard.ts";
import type { Streamer } from "./text-streamer.ts";

/** A streamer of a call, which hears of a failure too. */
export interface GuardedStreamer extends Streamer {
  /**
   * The call has failed. A loop over a TextIteratorStreamer must not wait for ever, and the next answer must not begin with
   * this one's rest. What the streamer says to it is of no account: the call has its error.
   */
  fail(error: unknown): void;
}

/** Watches what a streamer gets, and tells it that a call begins; undefined where there is none. */
export function guardStreamer(streamer: Streamer | undefined): GuardedStreamer | undefined {
  if (!streamer) return undefined;
  let isOpen = false;
  if ("begin" in streamer && typeof streamer.begin === "function") streamer.begin();
  return {
    put(ids) {
      isOpen = true;
      return streamer.put(ids);
    },
    end() {
      isOpen = false;
      return streamer.end();
    },
    fail(error) {
      if ("fail" in streamer && typeof streamer.fail === "function") streamer.fail(error);
      else if (isOpen) endInVain(streamer);
    },
  };
}

function endInVain(streamer: Streamer): void {
  try {
    const ended: unknown = streamer.end();
    if (isThenable(ended)) ended.then(undefined, () => {});
  } catch {
    // the call is rejected with what went wrong before
  }
}
