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
    if (blocks <= state.blocks) continue;
    if (state.kind === "slot")
      refuse(blocks, `slots in \`${state.name}\``, state.blocks, "Load the model with a greater `maxBatchSize`.");
    const limit = state.blocks * state.blockTokens;
    const given = Math.max(blocks * state.blockTokens * Number(gang.size > 1), ...longest);
    refuse(given, "tokens of room in the KV cache (prompt and new tokens)", limit, roomHint(gang, given, limit));
  }
}

/** No model has a context as long as this: a number of tokens above it is no wish for room. */
const longestContext = 2 ** 24;

/** What would fit: a smaller number of new tokens, or a model loaded with more room. */
function roomHint({ live, size }: Gang, given: number, limit: number): string {
  const more = "load the model with more room (`contextTokens`, `cacheBytes`)";
  if (size > 1) return `Lower \`maxNewTokens\` or the number of rows that run at once, give a shorter prompt, or ${more}.`;
  const prompt = live[0]?.tokens.length ?? 0;
  const most = limit + 1 - prompt; // the last token is never computed
  const load = given < longestContext ? `load the model with \`contextTokens: ${given + 1}\`` : more;
  if (most < 1) return `The prompt has ${prompt}: give a shorter one, or ${load}.`;
  return `The prompt has ${prompt}: set \`maxNewTokens: ${most}\` at most, or ${load}.`;
}
