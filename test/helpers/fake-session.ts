import type { Batch, Limits, Session } from "../../src/backends/backend.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import type { Model } from "../../src/ops/program.ts";
import { sampleGroup } from "../../src/sampling/chain.ts";

export interface FakeModelOptions {
  /** One state per entry: paged with a window, or (undefined) full attention; or a slot. Default: one of full attention. */
  windows?: readonly (number | undefined | "slot")[];
  vocabularySize?: number;
  maxPositions?: number;
  /** As longrope's: a token is another one in sequences that are longer, and so are all before it. */
  rotarySwitch?: number | undefined;
}

/** A model of nothing but states: enough for the engine. */
export function fakeModel(options: FakeModelOptions = {}): Model {
  const { windows = [undefined], vocabularySize = 61, maxPositions, rotarySwitch } = options;
  return {
    ...(rotarySwitch !== undefined && { rotarySwitch }),
    modelType: "fake",
    vocabularySize,
    hiddenSize: 1,
    maxPositions: maxPositions ?? 1_000_000,
    positionsAreBounded: maxPositions !== undefined,
    programs: { decode: { values: [], ops: [], outputs: { logits: 0, hidden: 0 } } },
    weights: [],
    states: windows.map((window, index) => ({
      name: `state${index}`,
      kind: window === "slot" ? ("slot" as const) : ("paged" as const),
      window: window === "slot" ? undefined : window,
      parts: [{ name: "values", shape: [1], type: "float32" as const }],
    })),
  };
}

/** Limits for a fake model, with a number of blocks for every state. */
export function fakeLimits(model: Model, blocks: number, limits: Partial<Limits> = {}): Limits {
  const defaults = engineLimits(model, { blockTokens: 4, weights: "float32", contextTokens: 64 });
  const pools = Object.fromEntries(model.states.map(({ name }) => [name, blocks]));
  const maxLogitRows = limits.maxSequences ?? defaults.maxLogitRows;
  return { ...defaults, maxLogitRows, blocks: pools, ...limits };
}

export interface FakeSessionOptions {
  blockTokens?: number;
  /** "all": a token's value depends on every token it sees, through the block tables. "last": cheap, for measuring. */
  sees?: "all" | "last";
  /** Called before each step; throw to make it fail. */
  beforeStep?: (step: number, batch: Batch) => void;
  /** How long a step takes. Default: until the next turn of the event loop. */
  wait?: () => Promise<void>;
}

/**
 * A deterministic "model" whose next token is a hash of everything it reads back through the block tables. It keeps, in the
 * slots of the blocks, what a transformer would: a value of each token that depends on all tokens before it. So a wrong
 * table, a missing copy, a block given away too early or a wrong position changes the answer, or throws.
 */
export class FakeSession implements Session {
  readonly blockTokens: number;
  disposed = false;
  /** Steps that were queued and not released. */
  readonly held = new Set<number>();
  readonly #model: Model;
  readonly #limits: Limits;
  readonly #options: FakeSessionOptions;
  readonly #values: Int32Array[];
  readonly #positions: Int32Array[];
  /** Whether a slot's token turned with the long factors. */
  readonly #long: Int32Array[];
  readonly #results = new Map<number, { rows: Float32Array[] } | { error: unknown }>();
  /** Tokens that the first `sample` of the newest step picked. */
  #picked: number[] | undefined;
  #next = 0;

  constructor(model: Model, limits: Limits, options: FakeSessionOptions = {}) {
    this.#model = model;
    this.#limits = limits;
    this.#options = options;
    this.blockTokens = options.blockTokens ?? 4;
    const slots = model.states.map(({ name }) => (limits.blocks[name] as number) * this.blockTokens);
    this.#values = slots.map((count) => new Int32Array(count));
    this.#positions = slots.map((count) => new Int32Array(count).fill(-1));
    this.#long = slots.map((count) => new Int32Array(count));
  }

  run(batch: Batch): number {
    const step = this.#next;
    this.#next += 1;
    this.held.add(step);
    try {
      this.#options.beforeStep?.(step, batch);
      this.#results.set(step, { rows: this.#compute({ ...batch, tokenIds: this.#known(batch.tokenIds) }) });
    } catch (error) {
      this.#results.set(step, { error });
    }
    this.#picked = undefined;
    return step;
  }

  async sample(step: number, groups: Parameters<Session["sample"]>[1]): ReturnType<Session["sample"]> {
    // Picked at once, so that a step may be queued with the numbers of these picks.
    const picks = this.#pick(step, groups);
    picks.catch(() => {});
    await (this.#options.wait ?? nextTurn)();
    return picks;
  }

  async #pick(step: number, groups: Parameters<Session["sample"]>[1]): ReturnType<Session["sample"]> {
    const result = this.#results.get(step);
    if (!result) throw new Error(`step ${step} was released or never queued`);
    if ("error" in result) throw result.error;
    const picks = groups.map((group) =>
      sampleGroup(
        group.rows.map((row) => (result.rows[row] as Float32Array).slice()),
        group,
      ),
    );
    if (step === this.#next - 1) this.#picked ??= picks.flatMap(({ tokens }) => [...tokens]);
    return picks;
  }

  /** Token ids with picks of the step before in place of their numbers. */
  #known(tokenIds: Int32Array): Int32Array {
    return tokenIds.map((id) => {
      if (id >= 0) return id;
      const token = this.#picked?.[-1 - id];
      expect(token !== undefined, `pick ${-1 - id} of the step before, which has not been made`);
      return token as number;
    });
  }

  async read(): Promise<Float32Array> {
    throw new Error("the fake session has no outputs");
  }

  async loadAdapter(): Promise<number> {
    throw new Error("the fake session has no adapters");
  }

  release(step: number): void {
    if (!this.held.delete(step)) throw new Error(`step ${step} was released twice`);
    this.#results.delete(step);
  }

  memory() {
    const planned = { weights: 0, cache: 0, workspace: 0, total: 0 };
    return { ...planned, peak: 0, planned };
  }

  async dispose(): Promise<void> {
    if (this.disposed) throw new Error("disposed twice");
    this.disposed = true;
  }

  #compute(batch: Batch): Float32Array[] {
    const sequences = batch.promptLength.length;
    const { maxTokens, maxSequences, maxLogitRows } = this.#limits;
    expect(batch.tokenIds.length > 0 && batch.tokenIds.length <= maxTokens, `${batch.tokenIds.length} tokens`);
    expect(sequences <= maxSequences, `${sequences} sequences`);
    expect(batch.logitRows.length <= maxLogitRows, `${batch.logitRows.length} logit rows`);
    for (const { state, from, to } of batch.copies) {
      for (const slots of [this.#values[state], this.#positions[state], this.#long[state]] as Int32Array[]) {
        slots.copyWithin(to * this.blockTokens, from * this.blockTokens, (from + 1) * this.blockTokens);
      }
    }
    const hidden = new Int32Array(batch.tokenIds.length);
    batch.states.forEach((_, state) => {
      for (let sequence = 0; sequence < sequences; sequence += 1) this.#attend(batch, state, sequence, hidden);
    });
    expect(
      batch.logitRows.every((token, row) => token > (batch.logitRows[row - 1] ?? -1)),
      "logit rows that do not ascend",
    );
    return Array.from(batch.logitRows, (token) => this.#logits(hidden[token] as number));
  }

  /** 1 where a token at this position turns with the long factors. */
  #longAt({ promptLength, rotaryLead }: Batch, sequence: number, position: number): number {
    const length = Math.max(promptLength[sequence] as number, position + 1) + (rotaryLead?.[sequence] ?? 0);
    return length > (this.#model.rotarySwitch ?? Number.POSITIVE_INFINITY) ? 1 : 0;
  }

  #attend(batch: Batch, state: number, sequence: number, hidden: Int32Array): void {
    if (this.#model.states[state]?.kind === "slot") {
      this.#recur(batch, state, sequence, hidden);
      return;
    }
    const { tableStart, table, length } = batch.states[state] as Batch["states"][number];
    const values = this.#values[state] as Int32Array;
    const positions = this.#positions[state] as Int32Array;
    const longs = this.#long[state] as Int32Array;
    const { window = Number.POSITIVE_INFINITY } = this.#model.states[state] as Model["states"][number];
    const entries = table.subarray(tableStart[sequence], tableStart[sequence + 1]);
    const slot = (position: number): number => {
      const block = entries[Math.floor(position / this.blockTokens)] ?? -1;
      expect(block >= 0 && block * this.blockTokens < values.length, `position ${position} in block ${block}`);
      return block * this.blockTokens + (position % this.blockTokens);
    };
    const start = batch.sequenceStart[sequence] as number;
    const end = batch.sequenceStart[sequence + 1] as number;
    expect(end > start, "a sequence without tokens");
    expect(length[sequence] === (batch.positions[end - 1] as number) + 1, "a length that is not the last position's");
    expect(entries.length === Math.ceil((length[sequence] as number) / this.blockTokens), "a table of the wrong length");
    for (let token = start; token < end; token += 1) {
      const position = batch.positions[token] as number;
      expect(token === start || position === (batch.positions[token - 1] as number) + 1, "positions with a gap");
      const long = this.#longAt(batch, sequence, position);
      let value = mix(batch.tokenIds[token] as number, 2 * position + long);
      const first = this.#options.sees === "last" ? Math.max(0, position - 1) : Math.max(0, position - window + 1);
      for (let seen = first; seen < position; seen += 1) {
        const at = slot(seen);
        expect(positions[at] === seen, `position ${seen} read back as ${positions[at]}`);
        expect(longs[at] === long, `position ${position} turned in one way, ${seen} before it in another`);
        value = mix(value, values[at] as number);
      }
      const at = slot(position);
      values[at] = value;
      positions[at] = position;
      longs[at] = long;
      hidden[token] = mix(hidden[token] as number, value);
    }
  }

  /** A slot keeps a hash of all tokens so far, and the position of the last. */
  #recur(batch: Batch, state: number, sequence: number, hidden: Int32Array): void {
    const { tableStart, table } = batch.states[state] as Batch["states"][number];
    const values = this.#values[state] as Int32Array;
    const positions = this.#positions[state] as Int32Array;
    expect((tableStart[sequence + 1] as number) - (tableStart[sequence] as number) === 1, "a sequence without its one slot");
    const at = (table[tableStart[sequence] as number] as number) * this.blockTokens;
    expect(at >= 0 && at < values.length, `slot ${at / this.blockTokens}`);
    const start = batch.sequenceStart[sequence] as number;
    const first = batch.positions[start] as number;
    expect(first === 0 || positions[at] === first - 1, `a slot at position ${positions[at]} read at ${first}`);
    let value = first === 0 ? 0 : (values[at] as number);
    for (let token = start; token < (batch.sequenceStart[sequence + 1] as number); token += 1) {
      const long = this.#longAt(batch, sequence, batch.positions[token] as number);
      expect(batch.positions[token] === 0 || this.#long[state]?.[at] === long, "a slot of other rotary factors");
      (this.#long[state] as Int32Array)[at] = long;
      value = mix(value, mix(batch.tokenIds[token] as number, 2 * (batch.positions[token] as number) + long));
      hidden[token] = mix(hidden[token] as number, value);
      positions[at] = batch.positions[token] as number;
    }
    values[at] = value;
  }

  #logits(value: number): Float32Array {
    const logits = new Float32Array(this.#model.vocabularySize);
    for (let token = 0; token < logits.length; token += 1) logits[token] = (mix(value, token) >>> 8) / 2 ** 24;
    return logits;
  }
}

function mix(a: number, b: number): number {
  let value = Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) | 0;
}

function expect(truth: boolean, what: string): void {
  if (!truth) throw new Error(`the batch has ${what}`);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
