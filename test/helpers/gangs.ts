import { Gang } from "../../src/engine/gang.ts";
import type { Scheduler } from "../../src/engine/scheduler.ts";
import { EngineSequence, noProcessors } from "../../src/engine/sequence.ts";
import type { StepPlan } from "../../src/engine/step-plan.ts";

export interface GangOptions {
  priority?: number;
  /** Tokens of each sequence's prompt. Default: one sequence of one token. */
  prompts?: readonly number[];
  maxLength?: number;
  outputsFrom?: number;
}

let nextSequence = 0;

/** A gang for tests of the scheduler alone; `id` is its order of arrival. */
export function gangOf(id: number, options: GangOptions = {}): Gang {
  const { priority = 0, prompts = [1], maxLength, outputsFrom } = options;
  const sequences = prompts.map((promptLength, index) => {
    const tokens = Array.from({ length: promptLength }, (_, place) => place);
    nextSequence += 1;
    return new EngineSequence({
      id: nextSequence,
      index,
      tokens,
      promptLength,
      padding: 0,
      processors: noProcessors,
      outputsFrom,
    });
  });
  return new Gang({ id, priority, size: prompts.length, maxLength, sequences });
}

/** What an engine does with a plan: the step is computed, and each caught-up sequence gets a token, or ends at its length. */
export function computeStep(scheduler: Scheduler, plan: StepPlan): void {
  if (plan.chunks.length > 0) scheduler.commit(plan);
  for (const { gang, sequences } of plan.picks) {
    for (const sequence of sequences) {
      sequence.tokens.push(0);
      if (sequence.tokens.length < (gang.maxLength ?? Number.POSITIVE_INFINITY)) continue;
      sequence.finishReason = "length";
      scheduler.end(gang, sequence);
    }
    if (gang.live.length === 0) scheduler.remove(gang);
  }
  scheduler.settle(plan);
}
