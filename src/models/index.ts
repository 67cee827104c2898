export { buildModel, loadModel, supportedModelTypes } from "./load.ts";
