import type { AttributesOf } from "../ops/registry.ts";
import type { ProgramBuilder, Value } from "./builder.ts";

interface RopeCommon {
  /** Base of the frequencies. */
  theta: number;
  /** Part of each head that turns. Default 1. */
  partialRotaryFactor?: number;
  /** Values of each head that turn, when it is not said by `partialRotaryFactor`. */
  rotaryDim?: number;
  /** Pairs are neighbours (GPT-J) instead of halves. */
  interleaved?: boolean;
  /** What is not rounded when activations are bfloat16: the products before their sum, or sine and cosine as well. */
  unrounded?: "products" | "all";
}

/** Rotary position embedding, as data. */
export type Rope = RopeCommon &
  (
    | { kind: "default" }
    | { kind: "linear"; factor: number }
    | {
        /** The first `proportion` of the pairs turns, with the frequencies of the whole head (Gemma 4). */
        kind: "proportional";
        proportion: number;
        factor: number;
      }
    | {
        kind: "dynamic";
        factor: number;
        originalLength: number;
        /** Base up to `originalLength`, when not `theta` (HunYuan). */
        shortTheta?: number;
      }
    | {
        kind: "yarn";
        factor: number;
        originalLength: number;
        betaFast: number;
        betaSlow: number;
        truncate: boolean;
        attentionFactor: number;
      }
    | {
        kind: "longrope";
        /** What each pair's period is multiplied by, in sequences of up to `originalLength` tokens and in longer ones. */
        shortFactor: readonly number[];
        longFactor: readonly number[];
        originalLength: number;
        attentionFactor: number;
      }
    | { kind: "llama3"; factor: number; originalLength: number; lowFrequencyFactor: number; highFrequencyFactor: number }
  );

/** Turns the heads of x [tokens, heads * headDim]; the shape stays. */
export function rotate(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; heads: number; headDim: number; rope: Rope },
): Value {
  const { module, heads, headDim, rope } = options;
  if (turningWidth(rope, headDim) === 0) return x;
  return program.value("rotary", { module, inputs: [x], attributes: { heads, headDim, ...ropeAttributes(rope, headDim) } });
}

/** Values of each head that turn. */
function turningWidth(rope: Rope, headDim: number): number {
  return rope.rotaryDim ?? Math.trunc(headDim * (rope.partialRotaryFactor ?? 1));
}

/** Attributes of the rotary op: frequencies as transformers computes them, in float32 steps. */
export function ropeAttributes(rope: Rope, headDim: number): Omit<AttributesOf<"rotary">, "heads" | "headDim"> {
  const part = turningWidth(rope, headDim);
  const frequencies = inverseFrequencies(rope.theta, part);
  // where an odd number of values turns, the last of them pairs with the value behind it
  const rotaryDim = part < headDim && scalesFrequencies(rope) ? 2 * frequencies.length : part;
  const common = { rotaryDim, interleaved: rope.interleaved ?? false, scaling: 1, unrounded: rope.unrounded };
  switch (rope.kind) {
    case "default":
      return { ...common, frequencies };
    case "linear":
      return { ...common, frequencies: frequencies.map((frequency) => Math.fround(frequency / rope.factor)) };
    case "proportional": {
      const turning = Math.floor((headDim * rope.proportion) / 2);
      const slow = frequencies.map((frequency, i) => (i < turning ? Math.fround(frequency / rope.factor) : 0));
      return { ...common, frequencies: slow };
    }
    case "dynamic":
      return {
        ...common,
        frequencies: rope.shortTheta === undefined ? frequencies : inverseFrequencies(rope.shortTheta, rotaryDim),
        dynamicBase: rope.theta,
        dynamicFactor: rope.factor,
        dynamicOriginalLength: rope.originalLength,
      };
    case "yarn":
      return { ...common, frequencies: yarnFrequencies(rope, rotaryDim), scaling: rope.attentionFactor };
    case "longrope":
      return {
        ...common,
        frequencies: stretched(rope, rope.shortFactor, rotaryDim),
        longFrequencies: stretched(rope, rope.longFactor, rotaryDim),
        longLength: rope.originalLength,
        scaling: rope.attentionFactor,
      };
    case "llama3":
      return { ...common, frequencies: frequencies.map((frequency) => llama3Frequency(rope, frequency)) };
  }
}

/** Whether the kind changes each frequency by itself, so that the number of frequencies is that of the pairs. */
function scalesFrequencies({ kind }: Rope): boolean {
  return kind === "default" || kind === "linear" || kind === "llama3";
}

function inverseFrequencies(theta: number, rotaryDim: number): number[] {
  const pairs = Math.ceil(rotaryDim / 2);
  return Array.from({ length: pairs }, (_, i) => Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / rotaryDim))));
}

/** Source: Peng et al. 2023, "YaRN". Slow turns are stretched by `factor`, fast ones kept, with a ramp between. */
function yarnFrequencies(rope: Extract<Rope, { kind: "yarn" }>, rotaryDim: number): number[] {
  const { theta, factor, originalLength, betaFast, betaSlow, truncate } = rope;
  const dimensionOf = (rotations: number) =>
    (rotaryDim * Math.log(originalLength / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const [low, high] = [dimensionOf(betaFast), dimensionOf(betaSlow)];
  const start = Math.max(truncate ? Math.floor(low) : low, 0);
  let end = Math.min(truncate ? Math.ceil(high) : high, rotaryDim - 1);
  if (end === start) end += 0.001;
  return Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const period = Math.fround(theta ** Math.fround((2 * i) / rotaryDim));
    const kept = 1 - Math.min(1, Math.max(0, Math.fround((i - start) / (end - start))));
    return Math.fround(Math.fround(1 / Math.fround(factor * period)) * (1 - kept) + Math.fround(1 / period) * kept);
  });
}

/** Source: Ding et al. 2024, "LongRoPE". Each period has a factor of its own. */
function stretched({ theta }: Rope, factors: readonly number[], rotaryDim: number): number[] {
  return factors.map((factor, i) => {
    const period = Math.fround(theta ** Math.fround((2 * i) / rotaryDim));
    return Math.fround(1 / Math.fround(Math.fround(factor) * period));
  });
}

/** Source: Llama 3.1's model code. Long wavelengths are divided by `factor`, short ones kept, smooth between. */
function llama3Frequency(rope: Extract<Rope, { kind: "llama3" }>, frequency: number): number {
  const { factor, originalLength, lowFrequencyFactor, highFrequencyFactor } = rope;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalLength / highFrequencyFactor) return frequency;
  if (wavelength > originalLength / lowFrequencyFactor) return Math.fround(frequency / factor);
  const smooth = (originalLength / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return Math.fround(((1 - smooth) * frequency) / factor + smooth * frequency);
}
