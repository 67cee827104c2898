import { TsumugiError } from "../errors.ts";
import { holdsBlocks, type Scheduler } from "./scheduler.ts";
import type { Gang } from "./sequence.ts";

/** Throws `internal` where the queues, tables and pools of a scheduler contradict each other. */
export function checkSchedule<G extends Gang>(scheduler: Scheduler<G>): void {
  const { running, waiting, parked, pools, limits } = scheduler;
  const holds = pools.map((pool) => new Int32Array(pool.capacity));
  let places = 0;
  for (const gang of parked) verify(gang.status === "parked", `request ${gang.id} is parked with status ${gang.status}`);
  for (const gang of running) verify(gang.status === "running", `request ${gang.id} runs with status ${gang.status}`);
  for (const gang of [...running, ...parked.filter(holdsBlocks)]) {
    places += gang.size;
    verify(
      gang.live.length > 0 && gang.live.length <= gang.size,
      `request ${gang.id} has ${gang.live.length} live of ${gang.size}`,
    );
    for (const sequence of gang.live) {
      const { computed, tokens, encoderTokens, tables, anchor, kept, draft, drafted, id } = sequence;
      anchor?.tables.forEach((table, state) => {
        table?.checkIntegrity(holds[state] as Int32Array);
      });
      for (const { state, table } of kept) table.checkIntegrity(holds[state] as Int32Array);
      verify(drafted > 0 || kept.length === 0, `sequence ${id} keeps slots without a draft`);
      const most = tokens.length + (drafted > 0 ? draft.length : 0);
      verify(computed >= 0 && computed <= tokens.length, `sequence ${id} computed ${computed} of ${tokens.length} tokens`);
      verify(tables.length === pools.length, `running sequence ${id} has ${tables.length} tables`);
      tables.forEach((table, state) => {
        const cross = scheduler.states[state]?.kind === "cross";
        const fits = cross ? table.length === encoderTokens.length : table.length >= computed && table.length <= most;
        verify(fits, `sequence ${id} has a table of ${table.length} tokens`);
        table.checkIntegrity(holds[state] as Int32Array);
      });
    }
  }
  waiting.forEach((gang, index) => {
    verify(gang.status === "waiting", `request ${gang.id} waits with status ${gang.status}`);
    const held = gang.live.filter((sequence) => sequence.tables.length > 0 || sequence.computed > 0);
    verify(held.length === 0, `waiting request ${gang.id} holds KV blocks`);
    const next = waiting[index + 1];
    const ordered = !next || gang.priority > next.priority || (gang.priority === next.priority && gang.id < next.id);
    verify(ordered, `request ${gang.id} waits in the wrong place`);
  });
  verify(places === scheduler.places, `${places} places are taken, ${scheduler.places} counted`);
  verify(places <= limits.maxSequences, `${places} places are taken of ${limits.maxSequences}`);
  pools.forEach((pool, state) => {
    pool.checkIntegrity(holds[state]);
  });
}

function verify(truth: boolean, what: string): void {
  if (!truth) throw new TsumugiError("internal", { what });
}
