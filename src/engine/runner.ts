import type { Session } from "../backends/backend.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { ActiveRequest } from "./active-request.ts";
import { buildBatch } from "./batch.ts";
import type { StepPlan } from "./scheduler.ts";

/** What a step gave one request: its picks, or the exception of its decoder. */
export type Outcome =
  | { request: ActiveRequest; picks: readonly SamplingPicks[]; error?: undefined }
  | { request: ActiveRequest; picks?: undefined; error: unknown };

/**
 * Runs one planned step on a session. The step is queued first; what to pick is asked of the decoders while it runs,
 * and all of it is sampled with one call. Rejects where the session failed.
 */
export async function runStep(session: Session, plan: StepPlan<ActiveRequest>): Promise<Outcome[]> {
  const step = session.run(buildBatch(plan, plan.chunks[0]?.sequence.tables.length ?? 0));
  try {
    const groups: SamplingGroup[] = [];
    const asked = plan.picks.map(
      ({ gang, firstRow }): { request: ActiveRequest; first: number; error?: { value: unknown } } => {
        const first = groups.length;
        try {
          for (const group of gang.decoder.groups(gang.live)) {
            groups.push({ ...group, rows: group.rows.map((row) => firstRow + memberRow(row, gang)) });
          }
          return { request: gang, first };
        } catch (value) {
          groups.length = first;
          return { request: gang, first, error: { value } };
        }
      },
    );
    // Without groups this waits for the step.
    const picks = await session.sample(step, groups);
    return asked.map(({ request, first, error }, index) =>
      error ? { request, error: error.value } : { request, picks: picks.slice(first, asked[index + 1]?.first ?? picks.length) },
    );
  } finally {
    session.release(step);
  }
}

function memberRow(row: number, { live, id }: ActiveRequest): number {
  if (!(row >= 0 && row < live.length)) throw new RangeError(`request ${id} picks from row ${row} of ${live.length} sequences`);
  return row;
}
