import type { Processor, ProcessorContext } from "../processor.ts";
import type { SamplingStep } from "../step.ts";
import type { OptionParser } from "../validate.ts";

/** One logits processor: the option that turns it on, its place, its values, and what it does. */
export interface ProcessorDefinition {
  /** The option, in camelCase; snake_case in files and on the wire. */
  name: string;
  /** Place in the order of transformers' `_get_logits_processor` (the numbers of its list, 1 first). */
  order: number;
  /** Takes part only in sampling. */
  sampling: boolean;
  /** Value where nothing sets it. Null: off. */
  default: number | null;
  /** One sentence for documentation and help. */
  description: string;
  parse: OptionParser<number>;
  /** True for values that do nothing: the processor is then not created. */
  off(value: number): boolean;
  create(value: number, context: ProcessorContext): Processor;
}

/** A processor whose steps never change. */
export function constant(...steps: SamplingStep[]): Processor {
  const processor: Processor = { steps: () => steps, accept() {}, fork: () => processor };
  return processor;
}

/** Tokens that warpers must leave: 1, or with beams one more than there are ends. */
export function minimumKept({ beams, eosTokenIds }: ProcessorContext): number {
  return beams > 1 ? Math.max(eosTokenIds.length, 1) + 1 : 1;
}

/** A warper with one number. */
export function warper(how: Extract<SamplingStep, { kind: "warp" }>["how"]): ProcessorDefinition["create"] {
  return (value, context) => constant({ kind: "warp", how, value, minTokensToKeep: minimumKept(context) });
}
