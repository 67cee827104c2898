import { TsumugiError } from "../errors.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { DecoderAction, RequestEvent, Sequence } from "./request.ts";
import { EngineSequence } from "./sequence.ts";

/** What `applyActions` needs of the scheduler, and of the engine. */
export interface ActionEffects {
  fork(parent: EngineSequence, child: EngineSequence): void;
  end(sequence: EngineSequence): void;
  park(): void;
  restart(sequence: EngineSequence): void;
  nextSequenceId(): number;
  /** A sequence of this many tokens cannot be continued: the model has no position for another one. Infinity: none. */
  longest: number;
  /** A sequence that outgrows this many tokens turns with other rotary factors from its first token on. Infinity: none does. */
  rotarySwitch: number;
}

/** Does what a decoder wants done, after checking it against the rule: one append, drop or finish for every sequence it was asked about. */
export function applyActions(
  request: ActiveRequest,
  asked: readonly Sequence[],
  actions: readonly DecoderAction[],
  effects: ActionEffects,
): RequestEvent[] {
  assertRule(request, asked, actions);
  const children = new Map<DecoderAction, EngineSequence>();
  // Forks copy what their parents were before anything is appended or freed.
  for (const action of actions) {
    if (action.kind !== "fork") continue;
    const parent = action.sequence as EngineSequence;
    const child = new EngineSequence({
      id: effects.nextSequenceId(),
      index: request.sequences.length,
      tokens: [...parent.tokens],
      promptLength: parent.promptLength,
      rotaryLength: parent.rotaryLength,
      rotaryLead: parent.rotaryLead,
      padding: parent.padding,
      processors: parent.processors.fork(),
      encoderTokens: parent.encoderTokens,
      salt: parent.salt,
    });
    effects.fork(parent, child);
    children.set(action, child);
  }
  const events: RequestEvent[] = [];
  for (const action of actions) {
    const sequence = children.get(action) ?? (action.sequence as EngineSequence);
    if (action.kind === "append" || action.kind === "fork") {
      sequence.tokens.push(action.token);
      sequence.processors.accept(action.token);
      const finish = action.finish ?? (sequence.tokens.length >= effects.longest ? "length" : undefined);
      events.push({ sequence: sequence.index, token: action.token, finish });
      if (finish === undefined) {
        // A draft must end at the switch: what stands behind it was computed with the factors before it.
        if (sequence.changesRotaryFactors(effects.rotarySwitch)) effects.restart(sequence);
        continue;
      }
      sequence.finishReason = finish;
    } else if (action.kind === "finish") {
      sequence.finishReason = action.reason;
    } else if (action.kind === "park") {
      effects.park();
      continue;
    } else {
      sequence.dropped = true;
      sequence.finishReason = "abort";
      if (request.forgetDropped) sequence.tokens.length = 0;
    }
    effects.end(sequence);
  }
  return events;
}

function assertRule(request: ActiveRequest, asked: readonly Sequence[], actions: readonly DecoderAction[]): void {
  const broken = (what: string) => {
    throw new TsumugiError("internal", { what: `the decoder of request ${request.id} ${what}` });
  };
  const told = new Set<Sequence>();
  let live = request.live.length;
  for (const { kind, sequence, ...rest } of actions) {
    if (!asked.includes(sequence)) broken(`wants to ${kind} a sequence that it was not asked about`);
    if (kind === "park" && !request.parks) broken("parks, but the request does not say that it `parks`");
    if (kind === "fork" && (sequence as EngineSequence).drafted > 0) broken("forks a sequence that has a draft");
    if ("token" in rest && !(Number.isInteger(rest.token) && rest.token >= 0)) broken(`appends token ${rest.token}`);
    const ends = kind === "drop" || kind === "finish" || ("finish" in rest && rest.finish !== undefined);
    if (kind === "fork") {
      if (!ends) live += 1;
      continue;
    }
    if (told.has(sequence)) broken(`decided twice about sequence ${sequence.index}`);
    told.add(sequence);
    if (ends) live -= 1;
  }
  if (told.size < asked.length) broken(`decided about ${told.size} of ${asked.length} live sequences`);
  if (live > request.size) broken(`keeps ${live} sequences live, but \`gangSize\` is ${request.size}`);
}
