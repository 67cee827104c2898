import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "./group.ts";
import { pickLogprobs } from "./logprobs.ts";
import { exponentials } from "./random-stream.ts";
import { ReportWriter } from "./report.ts";
import { firstGreatest, survivors } from "./select.ts";
import { logSoftmax, logSumExp, maximum, softmax } from "./softmax.ts";
import type { LogitsContext, SamplingStep } from "./step.ts";
import { torchTopK } from "./torch-top-k.ts";
import { warpers } from "./warpers.ts";

const { fround } = Math;
const lowest = -3.4028234663852886e38;

/**
 * Runs steps on one row of scores, in place. This is the reference that native sampling is tested against.
 *
 * @param scores [vocabulary] raw logits as float32
 */
export function applySteps(scores: Float32Array, steps: readonly SamplingStep[], context: LogitsContext): void {
  for (const step of steps) applyStep(scores, step, context);
}

/** The same, noting what each step does to the likeliest tokens. */
function reportSteps(report: ReportWriter, scores: Float32Array, steps: readonly SamplingStep[], context: LogitsContext): void {
  report.begin(scores);
  for (const step of steps) {
    applyStep(scores, step, context);
    report.note(scores);
  }
  report.end();
}

function applyStep(scores: Float32Array, step: SamplingStep, context: LogitsContext): void {
  if (step.kind === "normalise") logSoftmax(scores);
  else if (step.kind === "guide") guide(scores, step.scale, context);
  else if (step.kind === "edit") edit(scores, step);
  else if (step.kind === "only") only(scores, step.tokens);
  else if (step.kind === "allow") allow(scores, step);
  else if (step.kind === "mask") mask(scores, step.bits);
  else if (step.kind === "invalid") removeInvalid(scores);
  else if (step.kind === "warp") warpers[step.how](scores, step.value, step.minTokensToKeep);
  else step.apply(scores, context);
}

function guide(scores: Float32Array, scale: number, { guide }: LogitsContext): void {
  if (!guide) throw new TsumugiError("internal", { what: "guidance without the row of the negative prompt" });
  const unguided = guide.slice();
  logSoftmax(unguided);
  const factor = fround(scale);
  for (let i = 0; i < scores.length; i++) {
    scores[i] = fround(factor * fround(scores[i]! - unguided[i]!)) + unguided[i]!;
  }
}

function only(scores: Float32Array, tokens: Int32Array): void {
  scores.fill(-Infinity);
  for (const token of tokens) scores[token] = 0;
}

function allow(scores: Float32Array, { tokens, force }: Extract<SamplingStep, { kind: "allow" }>): void {
  const kept = Float32Array.from(tokens, (token) => scores[token]!);
  const isForced = force && maximum(kept) === -Infinity && !kept.some(Number.isNaN);
  scores.fill(-Infinity);
  tokens.forEach((token, i) => {
    scores[token] = isForced ? 0 : kept[i]!;
  });
}

function mask(scores: Float32Array, bits: Uint32Array): void {
  for (let i = 0; i < scores.length; i++) if (!((bits[i >> 5]! >>> (i & 31)) & 1)) scores[i] = -Infinity;
}

function removeInvalid(scores: Float32Array): void {
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]!;
    scores[i] = Number.isNaN(value) ? 0 : Math.min(Math.max(value, lowest), -lowest);
  }
}

function edit(scores: Float32Array, step: Extract<SamplingStep, { kind: "edit" }>): void {
  const { how, tokens, values } = step;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const value = values[i]!;
    const score = scores[token]!;
    if (how === "add") scores[token] = score + value;
    else if (how === "set") scores[token] = value;
    else if (how === "scale") scores[token] = score * value;
    else if (how === "grow") scores[token] = score === -Infinity ? score : score + fround(Math.abs(score) * value);
    else scores[token] = score < 0 ? score * value : score / value;
  }
}

/**
 * Picks tokens of one group in TypeScript.
 *
 * @param rows the raw logits of `group.rows`, one array each; they are overwritten
 * @param guides the raw logits of `group.guides`; they are not changed
 */
export function sampleGroup(
  rows: readonly Float32Array[],
  group: SamplingGroup,
  guides: readonly Float32Array[] = [],
): SamplingPicks {
  const vocabularySize = rows[0]!.length;
  const raw = group.logprobs === undefined ? undefined : rows.map((row) => row.slice());
  const report = group.report === undefined ? undefined : new ReportWriter(group.report);
  rows.forEach((row, index) => {
    const guide = guides[index];
    const context = { vocabularySize, ...(guide && { guide }) };
    if (report) reportSteps(report, row, group.steps[index] ?? [], context);
    else applySteps(row, group.steps[index] ?? [], context);
    const bias = group.bias?.[index] ?? 0;
    if (bias !== 0) for (let i = 0; i < row.length; i++) row[i] = row[i]! + bias;
  });
  const picks = group.pick === "score" ? judge(rows, group.target ?? []) : choose(rows, group, vocabularySize);
  if (raw) picks.logprobs = pickLogprobs(raw, picks, group.logprobs!);
  if (report) picks.report = report.reports();
  return picks;
}

/** Gives the targets as picks, with their log probabilities. */
function judge(rows: readonly Float32Array[], target: readonly number[]): SamplingPicks {
  return {
    rows: Int32Array.from(target.keys()),
    tokens: Int32Array.from(target),
    scores: Float32Array.from(target, (token, row) => rows[row]![token]! - logSumExp(rows[row]!)),
  };
}

function choose(rows: readonly Float32Array[], group: SamplingGroup, vocabularySize: number): SamplingPicks {
  const scores = rows.length === 1 ? rows[0]! : concatenate(rows);
  const places = pick(scores, group);
  return {
    rows: places.map((place) => Math.floor(place / vocabularySize)),
    tokens: places.map((place) => place % vocabularySize),
    scores: Float32Array.from(places, (place) => scores[place]!),
  };
}

/** Places (row × vocabulary + token) of the picks, best first. */
function pick(scores: Float32Array, group: SamplingGroup): Int32Array {
  if (group.pick === "draw") return draw(scores, group);
  return group.pick === "top" ? torchTopK(scores, group.count) : Int32Array.of(firstGreatest(scores));
}

/**
 * Multinomial without replacement as torch does it on the CPU: the greatest of p / q, where q are exponential variates
 * of the place in the stream that belongs to the entry. Dropped entries have p = 0 and their variates are skipped.
 */
function draw(scores: Float32Array, group: SamplingGroup): Int32Array {
  if (!group.stream) throw new TsumugiError("internal", { what: "a sampling group draws without a random stream" });
  const indices = survivors(scores);
  const entries = softmax(scores);
  const probabilities = Float32Array.from(indices, (i) => entries[i]!);
  if (indices.length === 0 || probabilities.includes(Number.NaN)) {
    throw new TsumugiError("invalid_probabilities", {
      reason: indices.length === 0 ? "every token is masked" : "the logits contain NaN or infinity",
    });
  }
  const variates = new Float32Array(indices.length);
  exponentials(group.stream, group.offset ?? 0, indices, variates);
  for (let i = 0; i < indices.length; i++) probabilities[i] = probabilities[i]! / variates[i]!;
  if (group.count === 1) return Int32Array.of(indices[firstGreatest(probabilities)]!);
  // with fewer candidates than picks, dropped entries (p = 0) are picked too, as in torch
  const quotients = new Float32Array(scores.length);
  for (let i = 0; i < indices.length; i++) quotients[indices[i]!] = probabilities[i]!;
  return torchTopK(quotients, group.count);
}

/** Joins rows into one array. It needs no copy where they are neighbours in one buffer. */
function concatenate(rows: readonly Float32Array[]): Float32Array {
  const [first] = rows as readonly [Float32Array];
  const length = first.length;
  const adjacent = rows.every(
    (row, index) => row.buffer === first.buffer && row.byteOffset === first.byteOffset + 4 * length * index,
  );
  if (adjacent) return new Float32Array(first.buffer, first.byteOffset, length * rows.length);
  const result = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    result.set(row, at);
    at += row.length;
  }
  return result;
}
