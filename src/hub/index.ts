export { type HubEnvironment, hubCacheDirectory, readHubEnvironment } from "./environment.ts";
export type { ModelDirectory } from "./model-directory.ts";
export type { DownloadProgress, HubOptions, RetryPolicy } from "./options.ts";
export { repositoryIdProblem } from "./repository-id.ts";
export { type GgufLocation, resolveGguf } from "./resolve-gguf.ts";
export { type ResolveOptions, resolveModel } from "./resolve-model.ts";
export { selectTextGenerationFiles, selectTokenizerFiles } from "./select-files.ts";
export { findToken } from "./token.ts";
