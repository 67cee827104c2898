import { z } from "zod";
import { expects, idSequence, numberOrInfinity } from "../../util/schemas.ts";
import type { Processor, ProcessorContext } from "../processor.ts";
import { checkVocabulary, defineProcessor, overHistory } from "./definition.ts";

/** Token ids, and how much the last one gains where the others stand right before it. */
export type SequenceBias = readonly (readonly [sequence: readonly number[], bias: number])[];

const expected = "a list of [token ids, bias], not empty";
const schema = expects(expected, z.array(expects(expected, z.tuple([idSequence, numberOrInfinity]))).min(1));

declare module "../options.ts" {
  interface SamplingOptions {
    /** [[token ids, bias], …]: adds a bias to the last token's score where the others stand at the end of the row. */
    sequenceBias?: SequenceBias | null | undefined;
  }
}

/** Adds a bias to the last token of a sequence where the row ends in the others. */
export const sequenceBias = defineProcessor({
  name: "sequenceBias",
  order: 2,
  sampling: false,
  default: null,
  description:
    "`[[token ids, bias], …]`: adds a bias to the last token of each sequence where the tokens before it stand at the end of the row.",
  schema,
  off: () => false,
  create: (value, context) => biasSequences("sequenceBias", value, context),
});

/** The processor of token sequences, which sequenceBias and badWordsIds share. */
export function biasSequences(option: string, biases: SequenceBias, context: ProcessorContext): Processor {
  const bySequence = new Map(biases.map(([sequence, bias]) => [sequence.join(), { sequence, bias }]));
  const entries = [...bySequence.values()];
  for (const { sequence } of entries) checkVocabulary(option, sequence, context);
  const single = new Map<number, number>();
  for (const { sequence, bias } of entries) if (sequence.length === 1) single.set(sequence[0]!, Math.fround(bias));
  const longer = entries.filter(({ sequence }) => sequence.length > 1);
  const steps = (history: readonly number[]) => {
    const sums = new Map(single);
    for (const { sequence, bias } of longer) {
      if (!endsWith(history, sequence)) continue;
      const token = sequence.at(-1)!;
      sums.set(token, Math.fround((sums.get(token) ?? 0) + Math.fround(bias)));
    }
    if (sums.size === 0) return [];
    const [tokens, values] = [Int32Array.from(sums.keys()), Float32Array.from(sums.values())];
    return [{ kind: "edit", how: "add", tokens, values } as const];
  };
  return overHistory(context.promptTokens, steps);
}

/** Whether the row ends in all of the sequence but its last token. */
function endsWith(history: readonly number[], sequence: readonly number[]): boolean {
  const start = history.length - sequence.length + 1;
  if (start < 0) return false;
  for (let i = 0; i < sequence.length - 1; i++) if (history[start + i] !== sequence[i]) return false;
  return true;
}
