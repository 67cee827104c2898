import { TsumugiError } from "../../errors.ts";
import type { ReferenceStatePart } from "../../ops/definition.ts";
import type { State } from "../../ops/program.ts";
import { roundTo } from "../../tensor/convert.ts";
import type { Batch, BatchState, Limits } from "../backend.ts";

/** Values of one token and head as int8 holds them: the greatest magnitude stands for 127. Ties go to the even code. */
function roundToInt8(values: Float32Array): void {
  const most = values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  const scale = Number.isFinite(most) ? Math.fround(most / 127) : Number.NaN;
  const inverse = scale > 0 ? Math.fround(127 / most) : 0;
  const shift = 12582912; // adding it rounds to whole numbers
  for (let i = 0; i < values.length; i++) {
    const code = inverse === 0 ? 0 : Math.fround(Math.fround(Math.fround(values[i]! * inverse) + shift) - shift);
    values[i] = code * scale;
  }
}

/**
 * The blocks of one state: for each part, `blocks` × `blockTokens` rows. A slot is a block of one row. The cache remembers
 * which rows were written, so that reading a row that no step wrote, or whose block was freed, is an error and not a wrong
 * answer.
 */
export class PagedCache {
  readonly #parts: { width: number; data: Float32Array }[];
  readonly #written: Uint8Array[];
  readonly #state: State;
  readonly #blocks: number;
  readonly #blockTokens: number;
  readonly #type: Limits["cache"];

  constructor(state: State, blocks: number, blockTokens: number, type: Limits["cache"]) {
    this.#state = state;
    this.#blocks = blocks;
    this.#blockTokens = state.kind === "slot" ? 1 : blockTokens;
    this.#type = type;
    this.#parts = state.parts.map(({ shape }) => {
      const width = shape.reduce((product, dimension) => product * dimension, 1);
      return { width, data: new Float32Array(blocks * this.#blockTokens * width) };
    });
    this.#written = state.parts.map(() => new Uint8Array(blocks * this.#blockTokens));
  }

  /** Copies a whole block, written marks included. */
  copy(from: number, to: number): void {
    this.#parts.forEach(({ width, data }, index) => {
      const size = this.#blockTokens * width;
      data.copyWithin(to * size, from * size, (from + 1) * size);
      this.#written[index]!.copyWithin(to * this.#blockTokens, from * this.#blockTokens, (from + 1) * this.#blockTokens);
    });
  }

  /** A part as an op sees it, with rows addressed by sequence of this batch and position. */
  part(index: number, table: BatchState): ReferenceStatePart {
    const { width, data } = this.#parts[index]!;
    const written = this.#written[index]!;
    const { type, shape } = this.#state.parts[index]!;
    const held = type === "cache" ? this.#type : "float32";
    return {
      width,
      write: (sequence, position, values) => {
        const row = this.#row(table, sequence, position);
        written[row] = 1;
        const to = data.subarray(row * width, (row + 1) * width);
        to.set(values.subarray(0, width));
        if (held === "bfloat16") roundTo(to, "bfloat16");
        if (held === "int8")
          for (let head = 0; head < width; head += shape.at(-1)!) roundToInt8(to.subarray(head, head + shape.at(-1)!));
      },
      read: (sequence, position) => {
        const row = this.#row(table, sequence, position);
        if (!written[row])
          this.#fail(`position ${position} of sequence ${sequence}`, "a written row", "one that no step wrote");
        return data.subarray(row * width, (row + 1) * width);
      },
      length: (sequence) => table.length[sequence]!,
    };
  }

  get kind(): State["kind"] {
    return this.#state.kind;
  }

  /** Makes the blocks of a new sequence as if never written, so that stale rows cannot be read. A slot gets zeros. */
  forget(batch: Batch, table: BatchState): void {
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      const first = batch.positions[batch.sequenceStart[sequence]!]!;
      const entries = table.tableStart[sequence + 1]! - table.tableStart[sequence]!;
      for (let entry = Math.ceil(first / this.#blockTokens); entry < entries; entry++) {
        const block = table.table[table.tableStart[sequence]! + entry]!;
        if (block < 0) continue;
        const slot = this.#state.kind === "slot";
        for (const marks of this.#written) marks.fill(slot ? 1 : 0, block * this.#blockTokens, (block + 1) * this.#blockTokens);
        if (slot) for (const { width, data } of this.#parts) data.fill(0, block * width, (block + 1) * width);
      }
    }
  }

  #row(table: BatchState, sequence: number, position: number): number {
    const entry = table.tableStart[sequence]! + Math.floor(position / this.#blockTokens);
    const what = `block of position ${position}, sequence ${sequence}`;
    if (entry >= table.tableStart[sequence + 1]!) this.#fail(what, "an entry of the table", "none");
    const block = table.table[entry]!;
    if (block < 0) this.#fail(what, "a live block", "one that was freed behind the window");
    if (block >= this.#blocks) this.#fail(what, `a block below ${this.#blocks}`, block);
    return block * this.#blockTokens + (position % this.#blockTokens);
  }

  #fail(what: string, expected: string, given: unknown): never {
    throw new TsumugiError("batch_invalid", { what: `state ${this.#state.name}, ${what}`, expected, given });
  }
}
