import type { Limits, Session } from "../../src/backends/backend.ts";
import { Engine, type EngineOptions, type StepReport } from "../../src/engine/engine.ts";
import type { Drafter, Request, RequestResult } from "../../src/engine/request.ts";
import type { Model } from "../../src/ops/program.ts";
import { forkingDecoder, greedyDecoder } from "./greedy-decoder.ts";
import type { Seeded } from "./seeded.ts";

/** A request of an interleaving, and when it comes and goes. */
export interface Arrival {
  prompts: number[][];
  maxLength: number;
  /** More than 1: the request forks, drops and appends like a beam search. */
  beams: number;
  priority: number;
  /** The step of the engine after which it is submitted. */
  afterStep: number;
  /** Tokens after which it is aborted: from inside the listener, or while the next step is in flight. */
  abort?: { afterTokens: number; inFlight: boolean };
  /** Guesses its tokens; not for requests that fork. */
  drafter?: Drafter;
}

export interface ArrivalOptions {
  vocabularySize: number;
  requests: number;
  longestPrompt: number;
  mostNewTokens: number;
}

/** Requests of all kinds, drawn from a seed. */
export function drawArrivals(random: Seeded, options: ArrivalOptions): Arrival[] {
  let step = 0;
  return Array.from({ length: options.requests }, () => {
    if (random.chance(0.5)) step += random.integer(0, 6);
    const beams = random.chance(0.25) ? random.integer(2, 3) : 1;
    const rows = beams === 1 && random.chance(0.2) ? random.integer(2, 3) : 1;
    const prompts = Array.from({ length: rows }, () =>
      Array.from({ length: random.integer(1, options.longestPrompt) }, () => random.integer(0, options.vocabularySize - 1)),
    );
    const longest = Math.max(...prompts.map(({ length }) => length));
    const abort = { afterTokens: random.integer(0, options.mostNewTokens), inFlight: random.chance(0.5) };
    return {
      prompts,
      maxLength: longest + random.integer(1, options.mostNewTokens),
      beams,
      priority: random.integer(0, 2),
      afterStep: step,
      abort: random.chance(0.25) ? abort : undefined,
    };
  });
}

/** The request of an arrival, not aborted. */
export function requestOf({ prompts, maxLength, beams, priority, drafter }: Arrival): Request {
  return {
    drafter,
    sequences: prompts.map((tokens) => ({ tokens })),
    decoder: beams > 1 ? forkingDecoder(maxLength, beams) : greedyDecoder(maxLength),
    gangSize: Math.max(beams, prompts.length),
    maxLength,
    priority,
  };
}

export interface Outcome {
  result: RequestResult;
  /** True when the request was aborted before it ended by itself. */
  aborted: boolean;
}

/**
 * Runs arrivals on one engine, checks the books after every step, and that no block and no step stays behind.
 * Disposes of the session.
 */
export async function runInterleaved(
  model: Model,
  session: Session,
  limits: Limits,
  arrivals: readonly Arrival[],
  options: Pick<EngineOptions, "stepsInFlight" | "createPrefixes"> = {},
): Promise<{ outcomes: Outcome[]; reports: StepReport[] }> {
  const outcomes: Promise<Outcome>[] = new Array(arrivals.length);
  const reports: StepReport[] = [];
  let wrong: unknown;
  let next = 0;
  const engine = new Engine({
    model,
    session,
    limits,
    ...options,
    onStep: (report) => {
      reports.push(report);
      try {
        engine.checkIntegrity();
      } catch (error) {
        wrong ??= error;
      }
      submitDue();
    },
  });
  const submit = (arrival: Arrival): Promise<Outcome> => {
    let tokens = 0;
    let aborted = false;
    const abort = () => {
      aborted = true;
      handle.abort();
    };
    const { abort: plan } = arrival;
    const handle = engine.submit({
      ...requestOf(arrival),
      onTokens: (events) => {
        tokens += events.length;
        if (!plan || aborted || tokens < plan.afterTokens) return;
        if (plan.inFlight) queueMicrotask(() => queueMicrotask(abort));
        else abort();
      },
    });
    if (plan?.afterTokens === 0) abort();
    return handle.result.then((result) => ({ result, aborted }));
  };
  function submitDue(): void {
    while (next < arrivals.length && (arrivals[next] as Arrival).afterStep <= reports.length) {
      const index = next;
      next += 1;
      outcomes[index] = submit(arrivals[index] as Arrival);
    }
  }
  submitDue();
  // Arrivals after the last step of the others: time passes for them when the engine has nothing left to do.
  while (next < arrivals.length) {
    await Promise.all(outcomes);
    if (next < arrivals.length) {
      const index = next;
      next += 1;
      outcomes[index] = submit(arrivals[index] as Arrival);
    }
  }
  const settled = await Promise.all(outcomes);
  if (wrong) throw wrong;
  engine.checkIntegrity();
  const { running, waiting, blocks } = engine.statistics();
  const used = Object.values(blocks).reduce((sum, pool) => sum + pool.used, 0);
  if (running + waiting + used > 0) throw new Error(`left behind: ${running} running, ${waiting} waiting, ${used} KV blocks`);
  await engine.dispose();
  return { outcomes: settled, reports };
}

/**
 * What is wrong with what an arrival got, given what it gets alone; undefined when nothing is. An aborted request must
 * hold a prefix of the answer. (Its beams depend on when it ended, so only requests that do not fork are compared.)
 */
export function difference({ result, aborted }: Outcome, alone: RequestResult, { beams }: Arrival): string | undefined {
  const show = ({ sequences }: RequestResult) =>
    JSON.stringify(sequences.map(({ tokens, finishReason, dropped }) => ({ tokens, finishReason, dropped })));
  if (!aborted) return show(result) === show(alone) ? undefined : `got   ${show(result)}\nalone ${show(alone)}`;
  if (beams > 1) return undefined;
  for (const [index, { tokens, finishReason }] of result.sequences.entries()) {
    const whole = alone.sequences[index];
    const isPrefix = whole !== undefined && tokens.every((token, place) => whole.tokens[place] === token);
    const truth = finishReason === "abort" || (finishReason === whole?.finishReason && tokens.length === whole.tokens.length);
    if (!isPrefix || !truth) return `aborted with ${show(result)}\nalone ${show(alone)}`;
  }
  return undefined;
}
