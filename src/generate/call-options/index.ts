// Every option of a call of `generate` that is no setting of a model. A file exports its definitions and nothing else; to add one,
// add its file and its line here: option-definitions.ts does the rest.
export * from "./assistant.ts";
export * from "./input.ts";
export * from "./random.ts";
export * from "./watching.ts";
