/**
 * Options of a call of `generate` that are no settings of a model. Each adds its own beside its definition:
 * `declare module "../options.ts" { interface CallOptions { … } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the definitions fill it
export interface CallOptions {}
