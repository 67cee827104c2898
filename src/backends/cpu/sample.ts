import { sampleGroup } from "../../sampling/chain.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import type { NativeSession } from "./addon.ts";
import { encodeGroups } from "./encode-groups.ts";
import { guardStep } from "./guard-step.ts";
import { readPicks, resultWords } from "./native-picks.ts";

/** A step that has logits, in the addon. */
export interface SampledStep {
  session: NativeSession;
  /** Its number in the addon. */
  step: number;
  /** Width of its logits. */
  vocabularySize: number;
}

/**
 * Picks from all groups of a step: the addon does, but for groups with "call" steps, whose logits are read for the chain.
 *
 * @param groups checked by `checkGroups`
 */
export async function sampleStep(sampled: SampledStep, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
  const { session, step, vocabularySize } = sampled;
  const native = groups.filter(isData);
  const called = native.length === groups.length ? [] : groups.filter((group) => !isData(group));
  const out = new Int32Array(native.reduce((sum, group) => sum + resultWords(group, vocabularySize), 0));
  // One call for all native groups, one for all others: both are queued before anything is awaited.
  const pending: Promise<unknown>[] = [];
  // Without any group the call waits for the step, and says whether it failed.
  if (native.length > 0 || called.length === 0) {
    const { words, numbers } = encodeGroups(native);
    pending.push(session.sample(step, words, numbers, out));
  }
  const rows = [...new Set(called.flatMap(rowsOf))];
  const logits = new Float32Array(rows.length * vocabularySize);
  if (rows.length > 0) pending.push(session.read(step, 0, Int32Array.from(rows), logits));
  await guardStep(pending);
  const picked = readPicks(out, native, vocabularySize);
  if (called.length === 0) return picked;
  const chained = runChain(called, rows, logits, vocabularySize);
  return groups.map((group) => (isData(group) ? picked.shift()! : chained.shift()!));
}

/** Picks in TypeScript from logits [rows][vocabulary], which are overwritten. */
function runChain(
  groups: readonly SamplingGroup[],
  rows: readonly number[],
  logits: Float32Array,
  vocabularySize: number,
): SamplingPicks[] {
  const isShared = groups.flatMap(rowsOf).length > rows.length;
  const place = new Map(rows.map((row, index) => [row, index]));
  const logitsOf = (row: number) => {
    const at = place.get(row)! * vocabularySize;
    const values = logits.subarray(at, at + vocabularySize);
    // the chain overwrites its rows: a row that is read several times is copied each time
    return isShared ? values.slice() : values;
  };
  return groups.map((group) => sampleGroup(group.rows.map(logitsOf), group, group.guides?.map(logitsOf)));
}

function rowsOf({ rows, guides = [] }: SamplingGroup): readonly number[] {
  return [...rows, ...guides];
}

/** Whether all steps of a group are data, so that it can stay in the addon. */
function isData({ steps }: SamplingGroup): boolean {
  return steps.every((row) => row.every(({ kind }) => kind !== "call"));
}
