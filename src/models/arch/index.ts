// Every architecture, one line each.
export { gpt2 } from "./gpt2.ts";
export { llama } from "./llama.ts";
export { mistral } from "./mistral.ts";
export { olmo2 } from "./olmo2.ts";
export { qwen2 } from "./qwen2.ts";
export { qwen3 } from "./qwen3.ts";
export { starcoder2 } from "./starcoder2.ts";
