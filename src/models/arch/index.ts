import type { Architecture } from "../define.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { olmo2 } from "./olmo2.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { starcoder2 } from "./starcoder2.ts";

/** Every architecture, one line each. */
// biome-ignore format: one line each
export const architectures: readonly Architecture[] = [
  gpt2,
  llama,
  mistral,
  qwen2,
  qwen3,
  starcoder2,
  olmo2,
];
