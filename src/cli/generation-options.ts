import type { Command } from "commander";
import { finiteNumber, nonNegativeInteger, positiveInteger } from "./model-options.ts";

/** What the generation options of a command parse to. */
export interface GenerationFlags {
  maxNewTokens?: number;
  minNewTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  repetitionPenalty?: number;
  seed?: number;
  stop?: string[];
  maxTime?: number;
}

/** Adds the options of decoding. Giving any of temperature, top-p, top-k or seed samples; otherwise decoding is greedy. */
export function addGenerationOptions(command: Command, defaults: { maxNewTokens: number }): Command {
  return command
    .option("--max-new-tokens <n>", "stop after this many new tokens", positiveInteger, defaults.maxNewTokens)
    .option("--min-new-tokens <n>", "no end-of-text before this many new tokens", nonNegativeInteger)
    .option("--temperature <t>", "sample, dividing the scores by t; 0 is greedy", finiteNumber)
    .option("--top-p <p>", "sample from the most likely tokens that sum to p", finiteNumber)
    .option("--top-k <k>", "sample from the k most likely tokens; 0 is all", nonNegativeInteger)
    .option("--repetition-penalty <p>", "greater than 1 repeats less", finiteNumber)
    .option("--seed <n>", "sample with this seed: the same text every time", nonNegativeInteger)
    .option("--stop <text>", "stop after this text (repeat the option for several)", collect)
    .option("--max-time <seconds>", "stop after this time", finiteNumber);
}

/** The options of generate() that the flags stand for. At temperature 0 the library tells which others have no effect. */
export function toGenerateOptions(flags: GenerationFlags): Record<string, unknown> {
  const { stop, temperature, topP, topK, seed, ...rest } = flags;
  const sampling = { temperature, topP, topK, seed };
  const wanted = Object.values(sampling).some((value) => value !== undefined) && temperature !== 0;
  const options = {
    ...pick(rest),
    doSample: wanted,
    ...(wanted ? sampling : { topP, topK, seed }),
    ...(stop ? { stopStrings: stop } : {}),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function pick({ maxNewTokens, minNewTokens, repetitionPenalty, maxTime }: GenerationFlags): GenerationFlags {
  return { maxNewTokens, minNewTokens, repetitionPenalty, maxTime };
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
