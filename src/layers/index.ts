export { alibiSlopes, alibiSlopesOfMpt } from "./alibi.ts";
export { type AttentionOptions, attention, sharedAttention } from "./attention.ts";
export { ProgramBuilder, type Value } from "./builder.ts";
export { causalConvolution } from "./convolution.ts";
export {
  type CrossAttentionOptions,
  crossAttention,
  type EncoderAttentionOptions,
  encoderAttention,
  storeCross,
} from "./cross-attention.ts";
export {
  add,
  clamp,
  columns,
  learnedScale,
  type PositionScaleOptions,
  scale,
  scaleByPosition,
  softcap,
} from "./elementwise.ts";
export { embedding, positionEmbedding, sinusoidalPosition } from "./embedding.ts";
export { groupedQueryKeyValue, rowsOf } from "./fused.ts";
export { type GatedAttentionOptions, gatedAttention } from "./gated-attention.ts";
export { type GatedDeltaNetOptions, gatedDeltaNet } from "./gated-delta-net.ts";
export { languageHead } from "./language-head.ts";
export { type LatentAttentionOptions, latentAttention } from "./latent-attention.ts";
export { type LinearOptions, linear } from "./linear.ts";
export { expertLayouts, type MixtureOptions, mixtureOfExperts, type RouterOptions, sharedExpert } from "./mixture.ts";
export { gatedMlp, mlp } from "./mlp.ts";
export { type LayerNormOptions, layerNorm, type RmsNormOptions, rmsNorm } from "./norm.ts";
export { type NormedAttentionOptions, normedAttention } from "./normed-attention.ts";
export { type PerLayerInputOptions, perLayerGate, perLayerInputs } from "./per-layer-inputs.ts";
export { type RelativeBias, relativeBias } from "./relative-bias.ts";
export { type Rope, rotate } from "./rope.ts";
export { correctStreams, predictStreams, type StreamsOptions, streamProjection } from "./streams.ts";
