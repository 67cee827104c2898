import { TsumugiError } from "../../errors.ts";
import type { Model, ProgramName } from "../../ops/program.ts";
import { checkGroups } from "../../sampling/check-groups.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import type { Adapter, Batch, Limits, MemoryPlan, MemoryUse, Session, Step } from "../backend.ts";
import { checkBatch } from "../check-batch.ts";
import { copyBatch } from "../copy-batch.ts";
import { LastPicks, takesPicks, withPicks } from "../last-picks.ts";
import { checkRow, noAdapters, unknownStep } from "../session-errors.ts";
import type { NativeSession } from "./addon.ts";
import { guardStep, stepFailed } from "./guard-step.ts";
import type { CompiledModel } from "./plan.ts";
import { sampleStep } from "./sample.ts";

interface Prepared {
  native: NativeSession;
  model: Model;
  limits: Limits;
  memory: MemoryPlan;
  kept: CompiledModel["kept"];
  blockTokens: number;
}

/** A queued step: its number in the addon and its sizes, or why it was refused. */
type QueuedStep = NativeStep | { error: unknown };

interface NativeStep {
  native: number;
  tokens: number;
  sequences: number;
  logitRows: number;
}

/** A session of the cpu backend: queues steps on the thread pool, and settles promises when they are done. */
export class CpuSession implements Session {
  readonly blockTokens: number;
  readonly #prepared: Prepared;
  readonly #steps = new Map<Step, QueuedStep | Promise<QueuedStep>>();
  readonly #lastPicks = new LastPicks();
  /** The newest step that the addon has not been given yet, because it, or one before it, waits for picks. */
  #delayed: Promise<QueuedStep> | undefined;
  #next = 0;
  #peak = 0;
  #disposing: Promise<unknown> | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.blockTokens = prepared.blockTokens;
  }

  run(batch: Batch, program: ProgramName = "decode"): Step {
    this.#checkAlive();
    const step = this.#next++;
    const picks = program === "decode" ? this.#lastPicks.follow(step) : undefined;
    const waits = picks !== undefined && takesPicks(batch);
    const isNext = !waits && this.#delayed === undefined;
    this.#steps.set(step, isNext ? this.#queue(batch, program) : this.#delay(copyBatch(batch), program, waits ? picks : []));
    return step;
  }

  sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
    const picks = this.#sample(step, groups);
    this.#lastPicks.keep(step, picks);
    return picks;
  }

  async read(step: Step, output: string, rows: readonly number[]): Promise<Float32Array> {
    const found = this.#step(step);
    const queued = found instanceof Promise ? await found : found;
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
      await guardStep([this.#prepared.native.read(queued.native, kept.index, Int32Array.from(rows), out)]);
    }
    return out;
  }

  release(step: Step): void {
    if (this.#disposing) return; // everything is being freed anyway
    const queued = this.#steps.get(step);
    if (!queued) throw unknownStep(step);
    this.#steps.delete(step);
    const free = (known: QueuedStep) => {
      if (!this.#disposing && !("error" in known)) this.#prepared.native.release(known.native);
    };
    if (queued instanceof Promise) queued.then(free);
    else free(queued);
  }

  async loadAdapter(_adapter: Adapter): Promise<number> {
    throw noAdapters();
  }

  memory(): MemoryUse {
    const { native, memory: planned } = this.#prepared;
    const { weights, cache, workspace } = native.memory();
    const total = weights + cache + workspace;
    this.#peak = Math.max(this.#peak, total);
    return { weights, cache, workspace, total, peak: this.#peak, planned };
  }

  trim(): void {
    if (this.#disposing) return;
    this.memory(); // pages are only given back here, so that the peak is seen before
    this.#prepared.native.trim();
  }

  async dispose(): Promise<void> {
    const { native } = this.#prepared;
    this.#disposing ??= this.#delayed ? this.#delayed.then(() => native.dispose()) : native.dispose();
    await this.#disposing;
    this.#steps.clear();
  }

  async #sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
    const found = this.#step(step);
    const queued = found instanceof Promise ? await found : found;
    const { native, kept } = this.#prepared;
    const vocabularySize = kept.get("logits")!.width;
    checkGroups(groups, queued.logitRows, vocabularySize);
    return sampleStep({ session: native, step: queued.native, vocabularySize }, groups);
  }

  /** Queues a step when its picks are known, and all steps before it are queued: steps run in order. */
  #delay(batch: Batch, program: ProgramName, picks: readonly number[] | Promise<readonly number[]>): Promise<QueuedStep> {
    const before = this.#delayed;
    const delayed = (async (): Promise<QueuedStep> => {
      try {
        const known = await picks;
        await before;
        return this.#queue(withPicks(batch, known), program);
      } catch (error) {
        await before;
        return { error };
      }
    })();
    this.#delayed = delayed;
    delayed.then(() => {
      if (this.#delayed === delayed) this.#delayed = undefined;
    });
    return delayed;
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

  /** A step that the addon knows, or will know. */
  #step(step: Step): NativeStep | Promise<NativeStep> {
    this.#checkAlive();
    const queued = this.#steps.get(step);
    if (!queued) throw unknownStep(step);
    if (!(queued instanceof Promise)) return nativeStep(queued);
    return queued.then((known) => {
      this.#checkAlive();
      return nativeStep(known);
    });
  }
}

function nativeStep(queued: QueuedStep): NativeStep {
  if ("error" in queued) throw queued.error;
  return queued;
}
