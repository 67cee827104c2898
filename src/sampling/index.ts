export { applySteps, sampleGroup } from "./chain.ts";
export type { RandomStream, SamplingGroup, SamplingPicks } from "./group.ts";
export type { Processor, ProcessorChain, ProcessorContext } from "./processor.ts";
export { createProcessorChain, type ProcessorValues } from "./processor-chain.ts";
export { type ProcessorDefinition, processorDefinitions } from "./processors/index.ts";
export { leaseRandom, RandomGenerator, type RandomLease, setSeed, sharedGenerator, torchStream } from "./rng.ts";
export type { LogitsContext, SamplingStep } from "./step.ts";
export type { OptionParser } from "./validate.ts";
