import { TsumugiError } from "../errors.ts";
import { type Gang, holdsBlocks, ranksBefore } from "./gang.ts";
import type { Schedule } from "./schedule.ts";

/** Throws `internal` where the queues, tables and pools of a schedule contradict each other. */
export function checkSchedule<G extends Gang>(schedule: Schedule<G>): void {
  const { running, waiting, parked, pools, limits } = schedule;
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
      const { computed, inFlight, ahead, tokens, encoderTokens, tables, anchor, kept, draft, drafted, id } = sequence;
      anchor?.tables.forEach((table, state) => {
        table?.checkIntegrity(holds[state] as Int32Array);
      });
      for (const { state, table } of kept) table.checkIntegrity(holds[state] as Int32Array);
      verify(drafted > 0 || kept.length === 0, `sequence ${id} keeps slots without a draft`);
      const most = tokens.length + (drafted > 0 ? draft.length : 0) + (ahead === undefined ? 0 : 1);
      verify(inFlight >= 0 && (inFlight === 0 || schedule.inFlight > 0), `sequence ${id} has ${inFlight} tokens in no step`);
      verify(computed >= 0 && computed <= tokens.length, `sequence ${id} computed ${computed} of ${tokens.length} tokens`);
      verify(tables.length === pools.length, `running sequence ${id} has ${tables.length} tables`);
      tables.forEach((table, state) => {
        const cross = schedule.states[state]?.kind === "cross";
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
    verify(!next || ranksBefore(gang, next), `request ${gang.id} waits in the wrong place`);
  });
  running.forEach((gang, index) => {
    const next = running[index + 1];
    verify(!next || ranksBefore(gang, next), `request ${gang.id} runs in the wrong place`);
  });
  verify(places === schedule.places, `${places} places are taken, ${schedule.places} counted`);
  verify(places <= limits.maxSequences, `${places} places are taken of ${limits.maxSequences}`);
  pools.forEach((pool, state) => {
    pool.checkIntegrity(holds[state]);
  });
}

function verify(truth: boolean, what: string): void {
  if (!truth) throw new TsumugiError("internal", { what });
}
