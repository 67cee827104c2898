/**
 * Fields of GenerationConfig that are no logits processor. Each adds its own beside its definition:
 * `declare module "../options.ts" { interface GenerationFields { … } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the fields fill it
export interface GenerationFields {}
