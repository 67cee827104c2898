import type { GenerationConfig } from "../decoding/generation-config.ts";
import { readLegacySettings } from "../decoding/read-generation-config.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { GenerateOptions } from "./generate-options.ts";

/** What a pipeline does with a model. */
export type PipelineTask = "text-generation" | "text2text-generation";

/**
 * What a pipeline decides where the call does not: the settings of config.json for its task, 256 new tokens where nobody
 * names a length, and what `defaults` adds. It is told all that the call and the model's files set.
 */
export function taskSettings(
  model: CausalLM,
  task: PipelineTask,
  call: GenerateOptions,
  defaults: (set: GenerationConfig) => GenerationConfig,
): GenerationConfig {
  const ofTask = taskOf(model.config, task);
  const config = withoutOldLength(ofTask === undefined ? {} : readLegacySettings(ofTask));
  const own = withoutOldLength(model.generationConfig);
  const set: GenerationConfig = { ...config, ...own, ...call.generationConfig, ...call };
  const isNamed = (name: string) => {
    const field = name as keyof GenerationConfig;
    return call[field] !== undefined || call.generationConfig?.[field] !== undefined;
  };
  const result: GenerationConfig = Object.fromEntries(Object.entries(config).filter(([name]) => !isNamed(name)));
  if (set.maxNewTokens !== undefined) delete result.maxLength;
  else if (set.maxLength === undefined) Object.assign(result, { maxNewTokens: 256, maxLength: null });
  // a length that the call names wins over one that files name
  const named = call.maxLength ?? call.generationConfig?.maxLength;
  if (named !== undefined && (call.maxNewTokens ?? call.generationConfig?.maxNewTokens) === undefined) {
    result.maxNewTokens = null;
  }
  return { ...result, ...defaults(set) };
}

/** Pipelines, as in transformers, take a `max_length` of 20 for unset: it is an old default that many files carry. */
function withoutOldLength({ maxLength, ...others }: GenerationConfig): GenerationConfig {
  return maxLength === 20 || maxLength === undefined ? others : { ...others, maxLength };
}

/** What stands in front of every text: what the call gives, else the model's for the task, else the model's. */
export function prefixOf(config: CausalLM["config"], task: PipelineTask, given?: string): string {
  const found = [given, taskOf(config, task)?.prefix, config.prefix].find((value) => typeof value === "string");
  return (found as string | undefined) ?? "";
}

function taskOf({ task_specific_params: tasks }: CausalLM["config"], task: PipelineTask): { prefix?: unknown } | undefined {
  return (tasks as { [task: string]: { prefix?: unknown } | undefined } | null | undefined)?.[task];
}
