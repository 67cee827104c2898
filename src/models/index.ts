export type { AdapterSource } from "./adapters/open-adapter.ts";
export { type AttentionOutput, type AttentionOutputs, attentionOutputs, withAttentions } from "./attentions.ts";
export { type HiddenStateOutputs, hiddenStateOutputs, withHiddenStates } from "./hidden-states.ts";
export { defaultSkips, headWeights, type LinearWeight, linearWeights, routerWeights, skipRule } from "./linear-modules.ts";
export {
  buildModel,
  loadModel,
  type ModelKind,
  modelKindOf,
  supportedModelTypes,
  supportedMultimodalTypes,
  unusedTensorsOf,
} from "./load.ts";
export { isMultimodal } from "./multimodal.ts";
