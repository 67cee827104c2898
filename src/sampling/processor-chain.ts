import type { Processor, ProcessorChain, ProcessorContext } from "./processor.ts";
import { processorDefinitions } from "./processors/index.ts";

/** Values of the processors' options: numbers by name; undefined or null is off. */
export type ProcessorValues = { readonly [option: string]: unknown };

/**
 * The processors that options turn on, for one sequence.
 *
 * @param values checked values, defaults filled in
 * @param sampling whether warpers (temperature, top-p, …) take part
 * @throws `invalid_option` where a value cannot be used in this mode
 */
export function createProcessorChain(values: ProcessorValues, sampling: boolean, context: ProcessorContext): ProcessorChain {
  const processors: Processor[] = [];
  for (const definition of processorDefinitions) {
    const value = values[definition.name];
    if (typeof value !== "number" || definition.off(value) || (definition.sampling && !sampling)) continue;
    processors.push(definition.create(value, context));
  }
  return chainOf(processors);
}

function chainOf(processors: readonly Processor[]): ProcessorChain {
  return {
    steps: () => processors.flatMap((processor) => processor.steps()),
    accept(token) {
      for (const processor of processors) processor.accept(token);
    },
    fork: () => chainOf(processors.map((processor) => processor.fork())),
  };
}
