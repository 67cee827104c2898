import { TsumugiError } from "../../errors.ts";
import type { ReferenceContext, ReferenceTensor } from "../../ops/definition.ts";
import type { Model, ProgramName } from "../../ops/program.ts";
import { opDefinition } from "../../ops/registry.ts";
import { sampleGroup } from "../../sampling/chain.ts";
import { checkGroups } from "../../sampling/check-groups.ts";
import type { SamplingGroup, SamplingPicks } from "../../sampling/group.ts";
import { roundTo, roundToBfloat16 } from "../../tensor/convert.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { Adapter, Batch, Limits, MemoryPlan, MemoryUse, Session, Step } from "../backend.ts";
import { checkBatch } from "../check-batch.ts";
import { copyBatch } from "../copy-batch.ts";
import { LastPicks, takesPicks, withPicks } from "../last-picks.ts";
import { checkRow, noAdapters, unknownStep } from "../session-errors.ts";
import { keepState, sharesOf } from "./attention-shares.ts";
import type { PagedCache } from "./paged-cache.ts";
import type { ReferenceWeight } from "./weights.ts";

interface Prepared {
  model: Model;
  limits: Limits;
  memory: MemoryPlan;
  weights: readonly ReferenceWeight[];
  caches: readonly PagedCache[];
  blockTokens: number;
}

/** Outputs of a step, by name; shares of attention are computed when they are read. */
type Outputs = Map<string, () => ReferenceTensor>;

/** Runs steps one after another, one op at a time, giving the event loop a turn between ops. */
export class ReferenceSession implements Session {
  readonly blockTokens: number;
  readonly #prepared: Prepared;
  readonly #steps = new Map<Step, Promise<Outputs>>();
  readonly #lastPicks = new LastPicks();
  #queue: Promise<unknown> = Promise.resolve();
  #next = 0;
  #disposed = false;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.blockTokens = prepared.blockTokens;
  }

  run(given: Batch, program: ProgramName = "decode", reads?: readonly string[]): Step {
    this.#checkAlive();
    const copy = copyBatch(given);
    const step = this.#next++;
    const picks = program === "decode" ? this.#lastPicks.follow(step) : undefined;
    const outputs = this.#queue.then(async () => {
      const batch = takesPicks(copy) ? withPicks(copy, (await picks) ?? []) : copy;
      return this.#execute(batch, program, reads);
    });
    // a failure belongs to sample and read of this step, not to the steps after it
    this.#queue = outputs.catch(() => undefined);
    this.#steps.set(step, outputs);
    return step;
  }

  sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
    const picks = this.#sample(step, groups);
    this.#lastPicks.keep(step, picks);
    return picks;
  }

  async read(step: Step, output: string, rows: readonly number[]): Promise<Float32Array> {
    const outputs = await this.#outputs(step);
    const tensor = outputs.get(output)?.();
    if (!tensor) {
      throw new TsumugiError("invalid_input", {
        what: "The output to read",
        expected: `one of ${[...outputs.keys()]}`,
        given: output,
      });
    }
    const width = tensor.shape.at(-1)!;
    const result = new Float32Array(rows.length * width);
    rows.forEach((row, index) => {
      checkRow(row, tensor.shape[0]!);
      result.set(tensor.data.subarray(row * width, (row + 1) * width), index * width);
    });
    return result;
  }

  release(step: Step): void {
    if (!this.#steps.delete(step)) throw unknownStep(step);
  }

  async loadAdapter(_adapter: Adapter): Promise<number> {
    throw noAdapters();
  }

  memory(): MemoryUse {
    const planned = this.#prepared.memory;
    return { ...planned, peak: planned.total, planned };
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#queue;
    this.#steps.clear();
  }

  async #sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]> {
    const outputs = await this.#outputs(step);
    if (groups.length === 0) return [];
    const { shape, data } = outputs.get("logits")!();
    const vocabulary = shape[1]!;
    checkGroups(groups, shape[0]!, vocabulary);
    const rowOf = (row: number) => data.slice(row * vocabulary, (row + 1) * vocabulary);
    return groups.map((group) => sampleGroup(group.rows.map(rowOf), group, group.guides?.map(rowOf)));
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TsumugiError("disposed", { what: "The session" });
  }

  async #outputs(step: Step): Promise<Outputs> {
    const outputs = this.#steps.get(step);
    if (!outputs) throw this.#disposed ? new TsumugiError("disposed", { what: "The session" }) : unknownStep(step);
    return outputs;
  }

  async #execute(batch: Batch, program: ProgramName, reads: readonly string[] | undefined): Promise<Outputs> {
    const { model, limits, weights, caches } = this.#prepared;
    checkBatch(batch, model, limits, this.blockTokens, program);
    for (const { state, from, to } of batch.copies) caches[state]!.copy(from, to);
    caches.forEach((cache, index) => {
      if ((cache.kind === "cross") === (program === "encode")) cache.forget(batch, batch.states[index]!);
    });

    const { values, ops, outputs: every, attentions = {} } = model.programs[program]!;
    const isAsked = ([name]: readonly [string, unknown]) =>
      reads === undefined || name === "logits" || limits.taps.includes(name) || reads.includes(name);
    const outputs: Record<string, number> = Object.fromEntries(Object.entries(every).filter(isAsked));
    const rows = { T: batch.tokenIds.length, S: batch.promptLength.length, R: batch.logitRows.length };
    const kept = new Set(Object.values(outputs));
    const lastUse = new Map(ops.flatMap(({ inputs }, index) => inputs.map((value) => [value, index] as const)));
    const live = new Map<number, ReferenceTensor>();
    const named = new Map(
      Object.entries(attentions)
        .filter(isAsked)
        .map(([name, index]) => [index, name]),
    );
    const found: Outputs = new Map();
    const rounds = limits.activation === "bfloat16";
    const round = rounds ? roundToBfloat16 : (value: number) => value;
    const logits = outputs.logits;
    const isRounded = (value: number) => value === logits || values[value]!.type === "activation";
    for (const [index, op] of ops.entries()) {
      for (const value of op.outputs) {
        const shape = values[value]!.shape.map((d) => (typeof d === "number" ? d : rows[d]));
        live.set(value, { shape, data: new Float32Array(elementCount(shape)) });
      }
      const context: ReferenceContext = {
        inputs: op.inputs.map((value) => live.get(value)!),
        outputs: op.outputs.map((value) => live.get(value)!),
        weights: op.weights.map((id) =>
          id < 0
            ? undefined
            : {
                shape: model.weights[id]!.shape,
                data: weights[id]!.values(),
                storage: weights[id]!.type,
                input: weights[id]!.input,
              },
        ),
        state: op.state
          ? op.state.parts.map((part) => caches[op.state!.state]!.part(part, batch.states[op.state!.state]!))
          : [],
        attributes: op.attributes,
        batch,
        round,
        rounds,
      };
      opDefinition(op.op).reference(context);
      if (rounds) for (const value of op.outputs) if (isRounded(value)) roundTo(live.get(value)!.data, "bfloat16");
      const name = named.get(index);
      // the layers of an encoder write their keys over each other
      if (name !== undefined) found.set(name, sharesOf(program === "encode" ? keepState(context) : context));
      for (const value of op.inputs) if (lastUse.get(value) === index && !kept.has(value)) live.delete(value);
      await turn();
    }
    for (const [name, value] of Object.entries(outputs)) found.set(name, () => live.get(value)!);
    return found;
  }
}

let lastTurn = 0;

/** Lets timers and input have the event loop, every few milliseconds of work. */
async function turn(): Promise<void> {
  if (performance.now() - lastTurn < 4) return;
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 0);
  });
  lastTurn = performance.now();
}
