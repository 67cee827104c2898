import { TsumugiError } from "../../errors.ts";
import type { Model, ProgramName } from "../../ops/program.ts";
import { checkGroups } from "../../sampling/check-groups.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import type { Batch, Limits, MemoryPlan, Session, Step } from "../backend.ts";
import { checkBatch } from "../check-batch.ts";
import { checkRow, unknownStep } from "../session-errors.ts";
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
    const { native, kept } = this.#prepared;
    const vocabularySize = kept.get("logits")!.width;
    checkGroups(groups, queued.logitRows, vocabularySize);
    return sampleStep({ session: native, step: queued.native, vocabularySize }, groups);
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
      await guardStep([this.#prepared.native.read(queued.native, kept.index, Int32Array.from(rows), out)]);
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
}
