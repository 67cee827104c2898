export { type AttentionOptions, attention } from "./attention.ts";
export { ProgramBuilder, type Value } from "./builder.ts";
export { add, scale } from "./elementwise.ts";
export { embedding, positionEmbedding } from "./embedding.ts";
export { languageHead } from "./language-head.ts";
export { type LinearOptions, linear } from "./linear.ts";
export { gatedMlp, mlp } from "./mlp.ts";
export { layerNorm, type RmsNormOptions, rmsNorm } from "./norm.ts";
export { type Rope, rotate } from "./rope.ts";
