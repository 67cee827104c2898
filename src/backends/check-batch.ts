import { TsumugiError } from "../errors.ts";
import type { Model, ProgramName } from "../ops/program.ts";
import type { Batch, Limits } from "./backend.ts";

/**
 * Throws `batch_invalid` for a batch that contradicts itself, the model or the limits: what a backend must be able to
 * trust before it runs a step.
 */
export function checkBatch(
  batch: Batch,
  model: Model,
  limits: Limits,
  blockTokens: number,
  program: ProgramName = "decode",
): void {
  const fail = (what: string, expected: unknown, given: unknown): never => {
    throw new TsumugiError("batch_invalid", { what, expected, given });
  };
  const { tokenIds, positions, sequenceStart, promptLength, rotaryLead, padding, logitRows, states, copies } = batch;
  if (!model.programs[program]) fail("program", Object.keys(model.programs).join(" or "), program);
  const tokens = tokenIds.length;
  const sequences = promptLength.length;
  if (tokens < 1 || tokens > limits.maxTokens) fail("tokens", `1 to ${limits.maxTokens}`, tokens);
  if (sequences < 1 || sequences > limits.maxSequences) fail("sequences", `1 to ${limits.maxSequences}`, sequences);
  if (logitRows.length > limits.maxLogitRows) fail("logit rows", `at most ${limits.maxLogitRows}`, logitRows.length);
  if (positions.length !== tokens) fail("length of positions", tokens, positions.length);
  if (sequenceStart.length !== sequences + 1) fail("length of sequenceStart", sequences + 1, sequenceStart.length);
  if (rotaryLead && rotaryLead.length !== sequences) fail("length of rotaryLead", sequences, rotaryLead.length);
  if (sequenceStart[0] !== 0 || sequenceStart[sequences] !== tokens) {
    fail("sequenceStart", `0 to ${tokens}`, [sequenceStart[0], sequenceStart[sequences]]);
  }
  if (padding && (padding.length !== sequences || padding.some((pads) => pads < 0))) {
    fail("padding", `${sequences} entries of at least 0`, [...padding]);
  }
  for (let s = 0; s < sequences; s++) {
    const [start, end] = [sequenceStart[s]!, sequenceStart[s + 1]!];
    if (end <= start) fail(`rows of sequence ${s}`, "at least one", end - start);
    for (let t = start; t < end; t++) {
      const id = tokenIds[t]!;
      if (id < 0 || id >= model.vocabularySize) fail(`token ${t}`, `0 to ${model.vocabularySize - 1}`, id);
      const expected = t === start ? Math.max(0, positions[t]!) : positions[t - 1]! + 1;
      if (positions[t] !== expected) fail(`position of token ${t}`, expected, positions[t]);
    }
    if (program === "encode" && positions[start] !== 0)
      fail(`position of token ${start}`, "0: inputs come whole", positions[start]);
    if (model.positionsAreBounded && positions[end - 1]! >= model.maxPositions) {
      fail(`position of token ${end - 1}`, `below ${model.maxPositions}, the model's learned positions`, positions[end - 1]);
    }
    const { rotarySwitch } = model;
    const lead = rotaryLead?.[s] ?? 0;
    if (lead < 0) fail(`rotaryLead of sequence ${s}`, "at least 0", lead);
    if (rotarySwitch !== undefined && promptLength[s]! + lead <= rotarySwitch && positions[end - 1]! + lead >= rotarySwitch) {
      fail(`prompt length of sequence ${s}`, `above ${rotarySwitch - lead}: its rotary factors have changed`, promptLength[s]);
    }
    if (promptLength[s]! < 1) fail(`prompt length of sequence ${s}`, "at least 1", promptLength[s]);
  }
  for (let r = 0; r < logitRows.length; r++) {
    const row = logitRows[r]!;
    if (row < 0 || row >= tokens || (r > 0 && row <= logitRows[r - 1]!))
      fail(`logit row ${r}`, `ascending, below ${tokens}`, row);
  }

  if (states.length !== model.states.length) fail("states", model.states.length, states.length);
  states.forEach(({ tableStart, table, length }, index) => {
    const { name, window, kind } = model.states[index]!;
    const blocks = limits.blocks[name] ?? 0;
    if (tableStart.length !== sequences + 1 || tableStart[0] !== 0 || tableStart[sequences] !== table.length) {
      fail(`tableStart of state ${name}`, `0 to ${table.length} in ${sequences + 1} entries`, [...tableStart]);
    }
    if (length.length !== sequences) fail(`length of state ${name}`, `${sequences} entries`, length.length);
    const writers = new Map<number, number>();
    if (program === "encode" && kind !== "cross") return;
    if (program === "decode" && kind === "cross") {
      for (let s = 0; s < sequences; s++) {
        if (length[s]! < 1) fail(`length of sequence ${s} in state ${name}`, "at least 1", length[s]);
        const entries = Math.ceil(length[s]! / blockTokens);
        const given = table.subarray(tableStart[s]!, tableStart[s + 1]!);
        if (given.length < entries) fail(`table of sequence ${s} in state ${name}`, `${entries} blocks`, given.length);
        const wrong = given.subarray(0, entries).find((block) => block < 0 || block >= blocks);
        if (wrong !== undefined) fail(`a block of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, wrong);
      }
      return;
    }
    if (kind === "slot") {
      for (let s = 0; s < sequences; s++) {
        const last = positions[sequenceStart[s + 1]! - 1]!;
        if (length[s] !== last + 1) fail(`length of sequence ${s} in state ${name}`, last + 1, length[s]);
        const given = table.subarray(tableStart[s]!, tableStart[s + 1]!);
        const [slot] = given;
        if (slot === undefined || given.length > 1) fail(`slots of sequence ${s} in state ${name}`, 1, given.length);
        if (slot! < 0 || slot! >= blocks) fail(`slot of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, slot);
        const other = writers.get(slot!);
        if (other !== undefined) fail(`slot ${slot} of state ${name}`, "one writer", `sequences ${other} and ${s}`);
        writers.set(slot!, s);
      }
      return;
    }
    for (let s = 0; s < sequences; s++) {
      const [first, last] = [positions[sequenceStart[s]!]!, positions[sequenceStart[s + 1]! - 1]!];
      if (length[s] !== last + 1) fail(`length of sequence ${s} in state ${name}`, last + 1, length[s]);
      const entries = tableStart[s + 1]! - tableStart[s]!;
      if (entries * blockTokens < last + 1)
        fail(`table of sequence ${s} in state ${name}`, `room for ${last + 1} tokens`, entries * blockTokens);
      const oldest = window === undefined ? 0 : Math.max(0, first - window + 1);
      for (let entry = Math.floor(oldest / blockTokens); entry <= Math.floor(last / blockTokens); entry++) {
        const block = table[tableStart[s]! + entry]!;
        if (block < 0 || block >= blocks) fail(`block ${entry} of sequence ${s} in state ${name}`, `0 to ${blocks - 1}`, block);
        if (entry < Math.floor(first / blockTokens)) continue;
        const other = writers.get(block);
        if (other !== undefined) fail(`block ${block} of state ${name}`, "one writer", `sequences ${other} and ${s}`);
        writers.set(block, s);
      }
    }
    for (let s = 0; s < sequences; s++) {
      const end = Math.floor(positions[sequenceStart[s]!]! / blockTokens);
      for (let entry = 0; entry < end; entry++) {
        const writer = writers.get(table[tableStart[s]! + entry]!);
        if (writer !== undefined)
          fail(`block ${entry} of sequence ${s} in state ${name}`, "one that nobody writes", `sequence ${writer} does`);
      }
    }
  });
  for (const { state, from, to } of copies) {
    const blocks = limits.blocks[model.states[state]?.name ?? ""] ?? 0;
    const valid = from >= 0 && from < blocks && to >= 0 && to < blocks && from !== to;
    if (!valid) fail("copy", `two blocks below ${blocks}`, { state, from, to });
  }
}
