import type { GgufArchitecture } from "./architecture.ts";
import { llamaFile, phi3File, qwen2File, qwen3File, qwen3MoeFile } from "./decoders.ts";
import type { GgufFields } from "./fields.ts";
import { gemma2File, gemma3File, gemmaFile } from "./gemma.ts";
import { deepseek2File, gpt2File, gptOssFile } from "./others.ts";

/** How files are read, by `general.architecture`; a new one is its entry here. */
const architectures: { readonly [name: string]: GgufArchitecture } = {
  llama: llamaFile,
  mistral: llamaFile,
  qwen2: qwen2File,
  qwen3: qwen3File,
  qwen3moe: qwen3MoeFile,
  gemma: gemmaFile,
  gemma2: gemma2File,
  gemma3: gemma3File,
  phi3: phi3File,
  gpt2: gpt2File,
  deepseek2: deepseek2File,
  "gpt-oss": gptOssFile,
};

/** Values of `general.architecture` that are read. */
export const ggufArchitectures: readonly string[] = Object.keys(architectures);

/** @throws TsumugiError `gguf_unsupported` */
export function architectureOf(fields: GgufFields): GgufArchitecture {
  const { architecture } = fields;
  const found = Object.hasOwn(architectures, architecture) ? architectures[architecture] : undefined;
  return found ?? fields.refuse("`general.architecture`", architecture, ggufArchitectures.join(", "));
}
