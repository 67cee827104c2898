import type { Model, ProgramName } from "../ops/program.ts";
import type { Batch, Limits } from "./backend.ts";
import { checkTables } from "./check-tables.ts";
import { failBatch as fail } from "./fail-batch.ts";

/**
 * Throws `batch_invalid` for a batch that contradicts itself, the model or the limits: what a backend must be able to
 * trust before it runs a step. Picks of the step before must stand in their places by now.
 */
export function checkBatch(
  batch: Batch,
  model: Model,
  limits: Limits,
  blockTokens: number,
  program: ProgramName = "decode",
): void {
  if (!model.programs[program]) fail("program", Object.keys(model.programs).join(" or "), program);
  checkSizes(batch, limits);
  checkTokens(batch, model.vocabularySize);
  checkPositions(batch, model, program);
  checkRotaryLengths(batch, model);
  checkLogitRows(batch);
  checkTables(batch, model, limits, blockTokens, program);
  checkCopies(batch, model, limits);
}

function checkSizes(batch: Batch, limits: Limits): void {
  const { positions, sequenceStart, rotaryLead, padding, adapter, logitRows } = batch;
  const tokens = batch.tokenIds.length;
  const sequences = batch.promptLength.length;
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
  if (adapter && (adapter.length !== sequences || adapter.some((id) => id !== -1))) {
    fail("adapter", `${sequences} entries of -1: no adapter is loaded`, [...adapter]);
  }
}

function checkTokens({ tokenIds }: Batch, vocabularySize: number): void {
  for (let t = 0; t < tokenIds.length; t++) {
    const id = tokenIds[t]!;
    if (id >= 0 && id < vocabularySize) continue;
    const behind = id < 0 ? ", or the number of a pick that was made from the step before" : "";
    fail(`token ${t}`, `0 to ${vocabularySize - 1}${behind}`, id);
  }
}

function checkPositions({ positions, sequenceStart, promptLength }: Batch, model: Model, program: ProgramName): void {
  for (let s = 0; s < promptLength.length; s++) {
    const [start, end] = [sequenceStart[s]!, sequenceStart[s + 1]!];
    if (end <= start) fail(`rows of sequence ${s}`, "at least one", end - start);
    for (let t = start; t < end; t++) {
      const expected = t === start ? Math.max(0, positions[t]!) : positions[t - 1]! + 1;
      if (positions[t] !== expected) fail(`position of token ${t}`, expected, positions[t]);
    }
    if (program === "encode" && positions[start] !== 0) {
      fail(`position of token ${start}`, "0: inputs come whole", positions[start]);
    }
    if (model.positionsAreBounded && positions[end - 1]! >= model.maxPositions) {
      fail(`position of token ${end - 1}`, `below ${model.maxPositions}, the model's learned positions`, positions[end - 1]);
    }
  }
}

function checkRotaryLengths(batch: Batch, { rotarySwitch = Number.POSITIVE_INFINITY }: Model): void {
  const { positions, sequenceStart, promptLength, rotaryLead } = batch;
  for (let s = 0; s < promptLength.length; s++) {
    const lead = rotaryLead?.[s] ?? 0;
    if (lead < 0) fail(`rotaryLead of sequence ${s}`, "at least 0", lead);
    if (promptLength[s]! < 1) fail(`prompt length of sequence ${s}`, "at least 1", promptLength[s]);
    const last = positions[sequenceStart[s + 1]! - 1]!;
    if (promptLength[s]! + lead <= rotarySwitch && last + lead >= rotarySwitch) {
      fail(`prompt length of sequence ${s}`, `above ${rotarySwitch - lead}: its rotary factors have changed`, promptLength[s]);
    }
  }
}

function checkLogitRows({ logitRows, tokenIds }: Batch): void {
  for (let r = 0; r < logitRows.length; r++) {
    const row = logitRows[r]!;
    if (row >= 0 && row < tokenIds.length && (r === 0 || row > logitRows[r - 1]!)) continue;
    fail(`logit row ${r}`, `ascending, below ${tokenIds.length}`, row);
  }
}

function checkCopies({ copies }: Batch, model: Model, limits: Limits): void {
  for (const { state, from, to } of copies) {
    const blocks = limits.blocks[model.states[state]?.name ?? ""] ?? 0;
    const isValid = from >= 0 && from < blocks && to >= 0 && to < blocks && from !== to;
    if (!isValid) fail("copy", `two blocks below ${blocks}`, { state, from, to });
  }
}
