import type { Model, ProgramName, State } from "../ops/program.ts";
import type { Batch, BatchState, Limits } from "./backend.ts";
import { failBatch as fail } from "./fail-batch.ts";

/** One state of a batch that is being checked. */
interface CheckedState extends BatchState {
  batch: Batch;
  state: State;
  /** How many blocks the session has. */
  blocks: number;
  blockTokens: number;
}

/** Fails where the tables of a batch contradict its positions, or two sequences would write one block. */
export function checkTables(batch: Batch, model: Model, limits: Limits, blockTokens: number, program: ProgramName): void {
  const { states } = batch;
  if (states.length !== model.states.length) fail("states", model.states.length, states.length);
  states.forEach((given, index) => {
    const state = model.states[index]!;
    const checked = { ...given, batch, state, blocks: limits.blocks[state.name] ?? 0, blockTokens };
    checkShape(checked);
    if (program === "encode" && state.kind !== "cross") return;
    if (program === "decode" && state.kind === "cross") checkCross(checked);
    else if (state.kind === "slot") checkSlots(checked);
    else checkPaged(checked);
  });
}

function checkShape({ batch, state, tableStart, table, length }: CheckedState): void {
  const sequences = batch.promptLength.length;
  if (tableStart.length !== sequences + 1 || tableStart[0] !== 0 || tableStart[sequences] !== table.length) {
    fail(`tableStart of state ${state.name}`, `0 to ${table.length} in ${sequences + 1} entries`, [...tableStart]);
  }
  if (length.length !== sequences) fail(`length of state ${state.name}`, `${sequences} entries`, length.length);
}

/** Checks tables that are only read, because the encoder has written them. */
function checkCross({ state: { name }, tableStart, table, length, blocks, blockTokens }: CheckedState): void {
  for (let s = 0; s < length.length; s++) {
    if (length[s]! < 1) fail(`length of sequence ${s} in state ${name}`, "at least 1", length[s]);
    const entries = Math.ceil(length[s]! / blockTokens);
    const given = table.subarray(tableStart[s]!, tableStart[s + 1]!);
    if (given.length < entries) fail(`table of sequence ${s} in state ${name}`, `${entries} blocks`, given.length);
    const wrong = given.subarray(0, entries).find((block) => block < 0 || block >= blocks);
    if (wrong !== undefined) fail(`a block of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, wrong);
  }
}

function checkSlots({ batch, state: { name }, tableStart, table, length, blocks }: CheckedState): void {
  const { positions, sequenceStart } = batch;
  const writers = new Writers();
  for (let s = 0; s < length.length; s++) {
    const last = positions[sequenceStart[s + 1]! - 1]!;
    if (length[s] !== last + 1) fail(`length of sequence ${s} in state ${name}`, last + 1, length[s]);
    const given = table.subarray(tableStart[s]!, tableStart[s + 1]!);
    const [slot] = given;
    if (slot === undefined || given.length > 1) fail(`slots of sequence ${s} in state ${name}`, 1, given.length);
    if (slot! < 0 || slot! >= blocks) fail(`slot of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, slot);
    const other = writers.of(slot!);
    if (other !== undefined) fail(`slot ${slot} of state ${name}`, "one writer", `sequences ${other} and ${s}`);
    writers.add(slot!, s);
  }
}

/** Checks tables that the step reads up to its window, and writes from its first position on. */
function checkPaged(checked: CheckedState): void {
  const { batch, state, tableStart, table, length, blocks, blockTokens } = checked;
  const { name, window } = state;
  const { positions, sequenceStart } = batch;
  const writers = new Writers();
  for (let s = 0; s < length.length; s++) {
    const [first, last] = [positions[sequenceStart[s]!]!, positions[sequenceStart[s + 1]! - 1]!];
    if (length[s] !== last + 1) fail(`length of sequence ${s} in state ${name}`, last + 1, length[s]);
    const start = tableStart[s]!;
    const entries = tableStart[s + 1]! - start;
    if (entries * blockTokens < last + 1) {
      fail(`table of sequence ${s} in state ${name}`, `room for ${last + 1} tokens`, entries * blockTokens);
    }
    const oldest = window === undefined ? 0 : Math.max(0, first - window + 1);
    const firstWritten = Math.floor(first / blockTokens);
    for (let entry = Math.floor(oldest / blockTokens); entry <= Math.floor(last / blockTokens); entry++) {
      const block = table[start + entry]!;
      if (block < 0 || block >= blocks) fail(`block ${entry} of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, block);
      if (entry < firstWritten) continue;
      const other = writers.of(block);
      if (other !== undefined) fail(`block ${block} of state ${name}`, "one writer", `sequences ${other} and ${s}`);
      writers.add(block, s);
    }
  }
  checkReaders(checked, writers);
}

/** Fails where a sequence reads a block that another one writes. */
function checkReaders({ batch, state, tableStart, table, blockTokens }: CheckedState, writers: Writers): void {
  for (let s = 0; s < batch.promptLength.length; s++) {
    const end = Math.floor(batch.positions[batch.sequenceStart[s]!]! / blockTokens);
    for (let entry = 0; entry < end; entry++) {
      const writer = writers.of(table[tableStart[s]! + entry]!);
      if (writer === undefined) continue;
      fail(`block ${entry} of sequence ${s} in state ${state.name}`, "one that nobody writes", `sequence ${writer} does`);
    }
  }
}

const filterBits = 1 << 14;

/** Which sequence writes which block. Nobody writes most of the blocks that are asked about, and one bit says so. */
class Writers {
  readonly #sequences = new Map<number, number>();
  readonly #filter = new Uint32Array(filterBits >> 5);

  add(block: number, sequence: number): void {
    this.#sequences.set(block, sequence);
    const bit = block & (filterBits - 1);
    this.#filter[bit >> 5]! |= 1 << (bit & 31);
  }

  of(block: number): number | undefined {
    const bit = block & (filterBits - 1);
    if (!((this.#filter[bit >> 5]! >>> (bit & 31)) & 1)) return undefined;
    return this.#sequences.get(block);
  }
}
