import { TsumugiError } from "../../errors.ts";
import type { Model, ProgramName } from "../../ops/program.ts";
import { sampleGroup } from "../../sampling/chain.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import type { Batch, Limits, MemoryPlan, Session, Step } from "../backend.ts";
import { checkBatch } from "../check-batch.ts";
import { checkRow, unknownStep } from "../session-errors.ts";
import type { NativeSession } from "./addon.ts";
import type { CompiledModel } from "./plan.ts";

interface Prepared {
  native: NativeSession;
  model: Model;
  limits: Limits;
  memory: MemoryPlan;
  kept: CompiledModel["kept"];
  blockTokens: number;
}

/** A queued step: its number in the addon and its sizes, or why it was refused. */
type QueuedStep = { native: number; tokens: number; sequences: number; logitRows: number } | { error: unknown };

/** A session of the cpu backend: queues steps on the thread pool, and settles promises when they are done. */
export class CpuSession implements Session {
  readonly blockTokens: number;
  readonly #prepared: Prepared;
  readonly #steps = new Map<Step, QueuedStep>();
  #next = 0;
  #disposing: Promise<unknown> | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.blockTokens = prepared.blockTokens;
  }

  run(batch: Batch, program: ProgramName = "decode"): Step {
    this.#checkAlive();
    const step = this.#next++;
    this.#steps.set(step, this.#queue(batch, program));
    return step;
  }

  async sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
    const queued = this.#step(step);
    for (const { rows } of groups) for (const row of rows) checkRow(row, queued.logitRows);
    // One call for all native groups, one for all others: both are queued before anything is awaited.
    const isNative = groups.map(isPlainArgmax);
    const nativeRows = rowsOf(groups.filter((_, index) => isNative[index]));
    const otherRows = rowsOf(groups.filter((_, index) => !isNative[index]));
    const tokens = new Int32Array(nativeRows.length);
    const scores = new Float32Array(nativeRows.length);
    const vocabulary = this.#prepared.kept.get("logits")!.width;
    const logits = new Float32Array(otherRows.length * vocabulary);
    await this.#guard(async () => {
      const pending: Promise<unknown>[] = [];
      const { native } = this.#prepared;
      if (nativeRows.length > 0) pending.push(native.argmax(queued.native, Int32Array.from(nativeRows), tokens, scores));
      if (otherRows.length > 0) pending.push(native.read(queued.native, 0, Int32Array.from(otherRows), logits));
      await Promise.all(pending);
    });
    // the chain overwrites its rows: a row that several groups read is copied for each
    const shared = groups.reduce((sum, { rows }, index) => sum + (isNative[index] ? 0 : rows.length), 0) > otherRows.length;
    return groups.map((group, index) => {
      if (isNative[index]) return bestOf(group, nativeRows, tokens, scores);
      const rows = group.rows.map((row) => {
        const place = otherRows.indexOf(row);
        const values = logits.subarray(place * vocabulary, (place + 1) * vocabulary);
        return shared ? values.slice() : values;
      });
      return sampleGroup(rows, group);
    });
  }

  async read(step: Step, output: string, rows: readonly number[]): Promise<Float32Array> {
    const queued = this.#step(step);
    const kept = this.#prepared.kept.get(output);
    if (!kept) {
      const expected = `one of ${[...this.#prepared.kept.keys()]} (limits.taps names the others that will be read)`;
      throw new TsumugiError("invalid_input", { what: "The output to read", expected, given: output });
    }
    const counts = { T: queued.tokens, S: queued.sequences, R: queued.logitRows };
    const count = typeof kept.rows === "number" ? kept.rows : counts[kept.rows];
    for (const row of rows) checkRow(row, count);
    const out = new Float32Array(rows.length * kept.width);
    if (rows.length > 0) {
      await this.#guard(() => this.#prepared.native.read(queued.native, kept.index, Int32Array.from(rows), out));
    }
    return out;
  }

  release(step: Step): void {
    if (this.#disposing) return; // everything is being freed anyway
    const queued = this.#steps.get(step);
    if (!queued) throw unknownStep(step);
    this.#steps.delete(step);
    if (!("error" in queued)) this.#prepared.native.release(queued.native);
  }

  memory(): MemoryPlan {
    return this.#prepared.memory;
  }

  async dispose(): Promise<void> {
    this.#disposing ??= this.#prepared.native.dispose();
    await this.#disposing;
    this.#steps.clear();
  }

  #queue(batch: Batch, program: ProgramName): QueuedStep {
    const { model, limits, native } = this.#prepared;
    try {
      checkBatch(batch, model, limits, this.blockTokens, program);
      const sizes = { tokens: batch.tokenIds.length, sequences: batch.promptLength.length, logitRows: batch.logitRows.length };
      return { native: native.run(batch, program === "encode"), ...sizes };
    } catch (cause) {
      // It belongs to sample and read of this step, as a failure while running does.
      return { error: TsumugiError.isInstance(cause) ? cause : stepFailed(cause) };
    }
  }

  #checkAlive(): void {
    if (this.#disposing) throw new TsumugiError("disposed", { what: "The session" });
  }

  #step(step: Step): Exclude<QueuedStep, { error: unknown }> {
    this.#checkAlive();
    const queued = this.#steps.get(step);
    if (!queued) throw unknownStep(step);
    if ("error" in queued) throw queued.error;
    return queued;
  }

  async #guard(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (cause) {
      throw stepFailed(cause);
    }
  }
}

/** What the addon can pick by itself: the first of the greatest raw logits. */
function isPlainArgmax({ pick, count, steps, bias, logprobs }: SamplingGroup): boolean {
  return pick === "argmax" && count === 1 && !bias && logprobs === undefined && steps.every((row) => row.length === 0);
}

function rowsOf(groups: readonly SamplingGroup[]): number[] {
  return [...new Set(groups.flatMap(({ rows }) => rows))];
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

function stepFailed(cause: unknown): TsumugiError {
  const what = `a step failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new TsumugiError("internal", { what }, { cause });
}
