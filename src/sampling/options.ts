/**
 * Options of logits processors. Each processor adds its own beside its definition:
 * `declare module "../options.ts" { interface SamplingOptions { … } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the processors fill it
export interface SamplingOptions {}
