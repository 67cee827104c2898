export { hiddenStateOutputs, withHiddenStates } from "./hidden-states.ts";
export { buildModel, loadModel, supportedModelTypes } from "./load.ts";
