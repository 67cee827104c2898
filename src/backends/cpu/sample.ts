import { sampleGroup } from "../../sampling/chain.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import type { NativeSession } from "./addon.ts";
import { guardStep } from "./guard-step.ts";

/** A step that has logits, in the addon. */
export interface SampledStep {
  session: NativeSession;
  /** Its number in the addon. */
  step: number;
  /** Width of its logits. */
  vocabularySize: number;
}

/** Groups that the addon picks from, and those whose logits go through the TypeScript chain. */
interface Split {
  isNative: readonly boolean[];
  /** Logit rows, each once. */
  nativeRows: number[];
  chainRows: number[];
}

/**
 * Picks from all groups of a step: those that the addon can pick from by itself stay there, the others' logits are read.
 *
 * @param groups checked by `checkGroups`
 */
export async function sampleStep(sampled: SampledStep, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
  const { session, step, vocabularySize } = sampled;
  const { isNative, nativeRows, chainRows } = split(groups);
  const tokens = new Int32Array(nativeRows.length);
  const scores = new Float32Array(nativeRows.length);
  const logits = new Float32Array(chainRows.length * vocabularySize);
  // One call for all native groups, one for all others: both are queued before anything is awaited.
  const pending: Promise<unknown>[] = [];
  // Without any row the call waits for the step, and says whether it failed.
  if (nativeRows.length > 0 || chainRows.length === 0)
    pending.push(session.argmax(step, Int32Array.from(nativeRows), tokens, scores));
  if (chainRows.length > 0) pending.push(session.read(step, 0, Int32Array.from(chainRows), logits));
  await guardStep(pending);

  const readers = groups.flatMap((group, index) => (isNative[index] ? [] : rowsOf(group))).length;
  const isShared = readers > chainRows.length;
  const place = new Map(chainRows.map((row, index) => [row, index]));
  const logitsOf = (row: number) => {
    const at = place.get(row)! * vocabularySize;
    const values = logits.subarray(at, at + vocabularySize);
    // the chain overwrites its rows: a row that is read several times is copied each time
    return isShared ? values.slice() : values;
  };
  return groups.map((group, index) => {
    if (isNative[index]) return bestOf(group, nativeRows, tokens, scores);
    return sampleGroup(group.rows.map(logitsOf), group, group.guides?.map(logitsOf));
  });
}

function split(groups: readonly SamplingGroup[]): Split {
  const isNative = groups.map(isPlainArgmax);
  const rows = (native: boolean) => [...new Set(groups.filter((_, index) => isNative[index] === native).flatMap(rowsOf))];
  return { isNative, nativeRows: rows(true), chainRows: rows(false) };
}

function rowsOf({ rows, guides = [] }: SamplingGroup): readonly number[] {
  return [...rows, ...guides];
}

/** What the addon can pick by itself: the first of the greatest raw logits. */
function isPlainArgmax({ pick, steps, bias, logprobs }: SamplingGroup): boolean {
  return pick === "argmax" && !bias && logprobs === undefined && steps.every((row) => row.length === 0);
}

/** The best of each row's best; the first of equals, and NaN above all, as torch.argmax over rows × vocabulary. */
function bestOf({ rows }: SamplingGroup, known: readonly number[], tokens: Int32Array, scores: Float32Array): SamplingPicks {
  let best = 0;
  const score = (index: number) => scores[known.indexOf(rows[index]!)]!;
  for (let index = 1; index < rows.length; index++) {
    if (Number.isNaN(score(best))) break;
    if (Number.isNaN(score(index)) || score(index) > score(best)) best = index;
  }
  const token = tokens[known.indexOf(rows[best]!)]!;
  return { rows: Int32Array.of(best), tokens: Int32Array.of(token), scores: Float32Array.of(score(best)) };
}
