// Every field of GenerationConfig that works, beside the logits processors. A file exports its definitions and nothing else; to
// add one, add its file and its line here: generation-fields.ts does the rest.

export * from "./drafts.ts";
export * from "./length.ts";
export * from "./output.ts";
export * from "./search.ts";
export * from "./special-tokens.ts";
