import { TsumugiError } from "../../errors.ts";
import type { ReferenceStatePart } from "../../ops/definition.ts";
import type { State } from "../../ops/program.ts";
import { roundToBfloat16 } from "../../tensor/convert.ts";
import type { Batch, BatchState } from "../backend.ts";

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
  readonly #round: boolean;

  constructor(state: State, blocks: number, blockTokens: number, type: "float32" | "bfloat16") {
    this.#state = state;
    this.#blocks = blocks;
    this.#blockTokens = state.kind === "slot" ? 1 : blockTokens;
    this.#round = type === "bfloat16";
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
    const rounded = this.#round && this.#state.parts[index]!.type === "cache";
    return {
      width,
      write: (sequence, position, values) => {
        const row = this.#row(table, sequence, position);
        written[row] = 1;
        for (let i = 0; i < width; i++) data[row * width + i] = rounded ? roundToBfloat16(values[i]!) : values[i]!;
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
