import { blocksHeldAtMost } from "../cache/sequence-table.ts";
import { TsumugiError } from "../errors.ts";
import { encoderTokensOf, type Gang } from "./gang.ts";
import type { SchedulerLimits } from "./schedule.ts";
import type { StateLayout } from "./state-layout.ts";

/** Throws `request_too_large` for a gang that could never be served, not even alone. */
export function assertServable(gang: Gang, limits: SchedulerLimits, states: readonly StateLayout[]): void {
  const { maxTokens, maxSequences, maxLogitRows } = limits;
  const refuse = (given: number, what: string, limit: number, hint: string) => {
    throw new TsumugiError("request_too_large", { given, what, limit, hint });
  };
  if (gang.size > maxSequences) refuse(gang.size, "sequences at once", maxSequences, "Raise `maxSequences`.");
  if (gang.size > maxLogitRows) refuse(gang.size, "logit rows in one step", maxLogitRows, "Raise `maxLogitRows`.");
  if (gang.size > maxTokens) refuse(gang.size, "tokens in one step", maxTokens, "Raise `maxTokens`.");
  const encoderTokens = encoderTokensOf(gang);
  if (encoderTokens > maxTokens) {
    refuse(encoderTokens, "tokens of encoder input in one step", maxTokens, "Give a shorter input, or raise `contextTokens`.");
  }
  for (const state of states) {
    // The last token of a sequence at its greatest length is never computed.
    const cross = state.kind === "cross";
    const longest = gang.live.map((sequence) =>
      cross ? sequence.encoderTokens.length : Math.max(sequence.tokens.length, (gang.maxLength ?? 0) - 1),
    );
    let blocks = 0;
    for (const length of longest) blocks += blocksHeldAtMost(state, length);
    if (!cross) blocks += (gang.size - longest.length) * blocksHeldAtMost(state, Math.max(...longest));
    if (blocks > state.blocks) {
      const hint =
        "Give a shorter prompt or a smaller length limit, or load the model with more room (`contextTokens`, `cacheBytes`).";
      const what = state.kind === "slot" ? "slots" : `KV blocks of ${state.blockTokens} tokens`;
      refuse(blocks, `${what} in \`${state.name}\``, state.blocks, hint);
    }
  }
}
