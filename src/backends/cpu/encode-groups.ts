import type { SamplingGroup } from "../../sampling/group.ts";
import type { RandomStream } from "../../sampling/random-stream.ts";
import type { SamplingStep, WarperName } from "../../sampling/step.ts";

/** Groups as the addon reads them (native/kernels/sample_request.cc): whole numbers and bits in `words`, the rest in `numbers`. */
export interface EncodedGroups {
  words: Int32Array;
  numbers: Float64Array;
}

type Kind = Exclude<SamplingStep["kind"], "call">;
type How = Extract<SamplingStep, { kind: "edit" }>["how"];

// As native/include/sample.h numbers them.
const kinds: Record<Kind, number> = { normalise: 0, guide: 1, edit: 2, only: 3, allow: 4, mask: 5, invalid: 6, warp: 7 };
const edits: Record<How, number> = { add: 0, set: 1, scale: 2, lift: 3, grow: 4 };
const picks: Record<SamplingGroup["pick"], number> = { argmax: 0, draw: 1, top: 2, score: 3 };
const streams: Record<RandomStream["kind"], number> = { torch: 1, counter: 2 };
const warpers: Record<WarperName, number> = {
  temperature: 0,
  topNSigma: 1,
  topH: 2,
  topK: 3,
  topP: 4,
  minP: 5,
  typicalP: 6,
  epsilonCutoff: 7,
  etaCutoff: 8,
  xtc: 9,
};

/** Writes groups without "call" steps for the addon. */
export function encodeGroups(groups: readonly SamplingGroup[]): EncodedGroups {
  const writer = new Writer();
  writer.word(groups.length);
  for (const group of groups) writeGroup(writer, group);
  return writer.written();
}

function writeGroup(writer: Writer, group: SamplingGroup): void {
  const { rows, steps, guides, bias, target, pick, count, logprobs = -1, report = 0 } = group;
  writer.word(picks[pick]);
  writer.word(count);
  writer.word(Math.min(logprobs, 0x7fffffff));
  writer.word(Math.min(report, 0x7fffffff));
  writeStream(writer, group);
  writer.word(rows.length);
  rows.forEach((row, index) => {
    writer.word(row);
    writer.word(guides?.[index] ?? -1);
    writer.number(bias?.[index] ?? 0);
    if (pick === "score") writer.word(target![index]!);
    writer.word(steps[index]!.length);
    for (const step of steps[index]!) writeStep(writer, step);
  });
}

function writeStream(writer: Writer, { pick, stream, offset = 0 }: SamplingGroup): void {
  if (pick !== "draw" || !stream) {
    writer.word(0);
    return;
  }
  writer.word(streams[stream.kind]);
  writer.number(offset);
  if (stream.kind === "torch") {
    writer.number(stream.place);
    writer.words(stream.state);
  } else {
    writer.number(stream.seed);
    writer.number(stream.position);
  }
}

function writeStep(writer: Writer, step: SamplingStep): void {
  writer.word(kinds[step.kind as Kind]);
  if (step.kind === "guide") writer.number(step.scale);
  else if (step.kind === "warp") {
    writer.word(warpers[step.how]);
    writer.word(step.minTokensToKeep);
    writer.number(step.value);
  } else if (step.kind === "edit") {
    writer.word(edits[step.how]);
    writer.list(step.tokens);
    writer.floats(step.values.subarray(0, step.tokens.length));
  } else if (step.kind === "allow") {
    writer.word(step.force ? 1 : 0);
    writer.list(step.tokens);
  } else if (step.kind === "only") writer.list(step.tokens);
  else if (step.kind === "mask") writer.list(step.bits);
}

/** Gathers words and numbers in arrays that grow. */
class Writer {
  #words = new Int32Array(256);
  #floats = new Float32Array(this.#words.buffer);
  #count = 0;
  readonly #numbers: number[] = [];

  word(value: number): void {
    this.#room(1);
    this.#words[this.#count++] = value;
  }

  number(value: number): void {
    this.#numbers.push(value);
  }

  words(values: Int32Array | Uint32Array): void {
    this.#room(values.length);
    this.#words.set(values, this.#count);
    this.#count += values.length;
  }

  list(values: Int32Array | Uint32Array): void {
    this.word(values.length);
    this.words(values);
  }

  floats(values: Float32Array): void {
    this.#room(values.length);
    this.#floats.set(values, this.#count);
    this.#count += values.length;
  }

  written(): EncodedGroups {
    return { words: this.#words.subarray(0, this.#count), numbers: Float64Array.from(this.#numbers) };
  }

  #room(count: number): void {
    if (this.#count + count <= this.#words.length) return;
    const grown = new Int32Array(2 * (this.#count + count));
    grown.set(this.#words);
    this.#words = grown;
    this.#floats = new Float32Array(grown.buffer);
  }
}
