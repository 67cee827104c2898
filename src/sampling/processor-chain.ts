import { TsumugiError } from "../errors.ts";
import type { Processor, ProcessorChain, ProcessorContext, StepPlace } from "./processor.ts";
import { processorDefinitions, type SamplingValues } from "./processor-definitions.ts";

/** Values of the processors' options, by name; undefined or null is off. */
export type ProcessorValues = { readonly [Name in keyof SamplingValues]?: unknown };

/** The definitions that these values turn on, with their values. */
function active(values: ProcessorValues, sampling: boolean) {
  const given = (name: string) => (values as Record<string, unknown>)[name];
  const on = processorDefinitions.filter((definition) => {
    const value = given(definition.name);
    return value !== undefined && value !== null && !definition.off(value) && (sampling || !definition.sampling);
  });
  const replaced = new Set(on.flatMap(({ replaces = [] }) => replaces));
  return on.filter(({ name }) => !replaced.has(name)).map((definition) => ({ definition, value: given(definition.name) }));
}

/**
 * The processors that options turn on, for one sequence.
 *
 * @param values checked values, defaults filled in
 * @param sampling whether warpers (temperature, top-p, …) take part
 * @throws `invalid_option` where a value cannot be used in this mode, `conflicting_options`
 */
export function createProcessorChain(values: ProcessorValues, sampling: boolean, context: ProcessorContext): ProcessorChain {
  const on = active(values, sampling);
  const lonely = context.beams > 1 ? on.find(({ definition }) => definition.oneBeam) : undefined;
  if (lonely) {
    const options = `\`${lonely.definition.name}\` and \`numBeams\` above 1`;
    throw new TsumugiError("conflicting_options", { options, reason: "it works on single rows" });
  }
  const full = { ...context, forcedBos: typeof values.forcedBosTokenId === "number" };
  return chainOf(on.map(({ definition, value }) => definition.create(value, full)));
}

/** Whether a processor that these values turn on reads text: `ProcessorContext.tokenBytes` is then needed. */
export function readsText(values: ProcessorValues, sampling: boolean): boolean {
  return active(values, sampling).some(({ definition, value }) => definition.readsText?.(value) ?? false);
}

const firstRow: StepPlace = { row: 0 };

function chainOf(processors: readonly Processor[]): ProcessorChain {
  return {
    steps: (place = firstRow) => processors.flatMap((processor) => processor.steps(place)),
    accept(token) {
      for (const processor of processors) processor.accept(token);
    },
    fork: () => chainOf(processors.map((processor) => processor.fork())),
  };
}
