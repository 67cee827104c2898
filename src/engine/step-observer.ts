import type { Session, Step } from "../backends/backend.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { EngineSequence } from "./sequence.ts";
import { isLive, type StepPlan } from "./step-plan.ts";

/** Exceptions of decoders, by request. */
export type Failures = ReadonlyMap<ActiveRequest, unknown>;

/** Names of the outputs that decoders of these requests observe, of either program. */
export function observedBy(requests: readonly ActiveRequest[]): string[] {
  const names = requests.flatMap(({ decoder: { observe, observed = ["hidden"], observedEncoder = [] } }) =>
    observe ? [...observed, ...observedEncoder] : [],
  );
  return [...new Set(names)];
}

/**
 * Tells decoders that observe of their tokens' outputs (hidden states). It tells of a draft's token when that token has been
 * picked, before the one behind it is.
 */
export class StepObserver {
  /** What was computed for drafts: rows behind the sequence's own tokens. */
  readonly #drafts = new Map<EngineSequence, { output: string; hidden: Float32Array; width: number }[]>();

  /** Tells of the encoder's step, in which inputs are whole. */
  async readEncoder(
    session: Session,
    step: Step,
    { encodes }: StepPlan<ActiveRequest>,
    running: readonly ActiveRequest[],
  ): Promise<Failures> {
    const failed = new Map<ActiveRequest, unknown>();
    const requests = new Map(running.flatMap((request) => request.live.map((sequence) => [sequence, request])));
    const reads: Promise<void>[] = [];
    let first = 0;
    for (const sequence of encodes) {
      const rows = sequence.encoderTokens.map((_, index) => first + index);
      first += rows.length;
      const request = requests.get(sequence);
      for (const output of request?.decoder.observedEncoder ?? []) {
        const tell = (values: Float32Array) =>
          observe(request!, sequence, 0, values, values.length / rows.length, output, failed);
        reads.push(session.read(step, output, rows).then(tell));
      }
    }
    await Promise.all(reads);
    return failed;
  }

  async read(session: Session, step: Step, { chunks }: StepPlan<ActiveRequest>): Promise<Failures> {
    const failed = new Map<ActiveRequest, unknown>();
    const reads: Promise<void>[] = [];
    let first = 0;
    for (const { gang, sequence, start, count, draft } of chunks) {
      const rows = Array.from({ length: count }, (_, index) => first + index);
      first += count;
      // A sequence that ended while this step was in flight has no such token.
      if (!gang.decoder.observe || !isLive(gang, sequence)) continue;
      for (const output of gang.decoder.observed ?? ["hidden"]) {
        const tell = (hidden: Float32Array) => {
          const width = hidden.length / count;
          const own = (count - draft) * width;
          if (draft > 0) this.#keep(sequence, output, hidden.subarray(own), width);
          observe(gang, sequence, start, hidden.subarray(0, own), width, output, failed);
        };
        reads.push(session.read(step, output, rows).then(tell));
      }
    }
    await Promise.all(reads);
    return failed;
  }

  /** Tells of the newest token of each sequence, one of its draft. */
  tellDrafts(questions: readonly { request: ActiveRequest; sequences: readonly EngineSequence[] }[]): Failures {
    const failed = new Map<ActiveRequest, unknown>();
    for (const { request, sequences } of questions) {
      for (const sequence of sequences) {
        for (const { output, hidden, width } of this.#drafts.get(sequence) ?? []) {
          const place = (sequence.accepted - 1) * width;
          observe(request, sequence, sequence.computed - 1, hidden.subarray(place, place + width), width, output, failed);
        }
      }
    }
    return failed;
  }

  #keep(sequence: EngineSequence, output: string, hidden: Float32Array, width: number): void {
    const kept = this.#drafts.get(sequence) ?? [];
    kept.push({ output, hidden, width });
    this.#drafts.set(sequence, kept);
  }
}

function observe(
  request: ActiveRequest,
  sequence: EngineSequence,
  start: number,
  hidden: Float32Array,
  width: number,
  output: string,
  failed: Map<ActiveRequest, unknown>,
): void {
  try {
    request.decoder.observe?.(sequence, start, hidden, width, output);
  } catch (error) {
    failed.set(request, error);
  }
}
