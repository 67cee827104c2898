export { hiddenStateOutputs, withHiddenStates } from "./hidden-states.ts";
export { buildModel, loadModel, supportedModelTypes, supportedMultimodalTypes } from "./load.ts";
export { isMultimodal } from "./multimodal.ts";
