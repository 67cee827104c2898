import { TsumugiError } from "../../errors.ts";
import type { OptionDefinition } from "../../util/option-definition.ts";
import type { SamplingOptions } from "../options.ts";
import type { Processor, ProcessorContext } from "../processor.ts";
import type { SamplingStep, WarperName } from "../step.ts";

/** A logits processor is declared by the option that turns it on, its place, its values, and what it does. */
export interface ProcessorDefinition<Name extends string = string, Value = number, Required extends boolean = boolean>
  extends OptionDefinition<Name, Value, Required> {
  /** Place in the order of transformers' `_get_logits_processor` (the numbers of its list, 1 first). */
  readonly order: number;
  /** True for one that takes part only in sampling. */
  readonly sampling: boolean;
  /** True for one that cannot work on the rows of a search over beams. */
  readonly oneBeam?: boolean;
  /** Options that have no effect beside this one. */
  readonly replaces?: readonly string[];
  /** True for values that need the text of tokens. */
  readsText?(value: Value): boolean;
  /** True for values that do nothing: the processor is then not created. */
  off(value: Value): boolean;
  create(value: Value, context: ProcessorContext): Processor;
}

/** Declares a processor whose option is typed in `SamplingOptions`. */
export function defineProcessor<
  const Name extends keyof SamplingOptions & string,
  Value,
  const Required extends boolean = false,
>(definition: ProcessorDefinition<Name, Value, Required>): ProcessorDefinition<Name, Value, Required> {
  return definition;
}

/** A processor whose steps never change. */
export function constant(...steps: SamplingStep[]): Processor {
  const processor: Processor = { steps: () => steps, accept() {}, fork: () => processor };
  return processor;
}

/** A processor that looks at the whole row so far, prompt and pads included. */
export function overHistory(
  tokens: readonly number[],
  steps: (history: readonly number[], row: number) => readonly SamplingStep[],
): Processor {
  const history = [...tokens];
  return {
    steps: ({ row }) => steps(history, row),
    accept(token) {
      history.push(token);
    },
    fork: () => overHistory(history, steps),
  };
}

/** A processor that knows only how many tokens the row has, prompt and pads included. */
export function atLength(length: number, steps: (length: number) => readonly SamplingStep[]): Processor {
  let current = length;
  return {
    steps: () => steps(current),
    accept() {
      current++;
    },
    fork: () => atLength(current, steps),
  };
}

/** Sets tokens to −infinity. */
export function ban(tokens: Iterable<number>): SamplingStep {
  const list = Int32Array.from(tokens);
  return { kind: "edit", how: "set", tokens: list, values: new Float32Array(list.length).fill(-Infinity) };
}

/** Leaves nothing but these tokens, at 0. */
export function force(tokens: readonly number[]): SamplingStep {
  return { kind: "only", tokens: Int32Array.from(tokens) };
}

/** Refuses ids that the model does not have. */
export function checkVocabulary(option: string, ids: Iterable<number>, { vocabularySize }: ProcessorContext): void {
  for (const id of ids) {
    if (id < vocabularySize) continue;
    const expected = `made of token ids below ${vocabularySize}`;
    throw new TsumugiError("invalid_option", { option, expected, given: id });
  }
}

/** How many tokens warpers must leave: 1, or with beams one more than there are end tokens. */
export function minimumKept({ beams, eosTokenIds }: ProcessorContext): number {
  return beams > 1 ? Math.max(eosTokenIds.length, 1) + 1 : 1;
}

/** A warper with one number. */
export function warper(how: WarperName): ProcessorDefinition["create"] {
  return (value, context) => constant({ kind: "warp", how, value, minTokensToKeep: minimumKept(context) });
}
