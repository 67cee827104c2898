import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { camelCase, snakeCase } from "../util/letter-case.ts";
import { warnOnce } from "../util/warnings.ts";
import type { GenerationConfig } from "./generation-config.ts";
import { generationFieldNames, generationFields } from "./generation-fields.ts";
import { ownSetting } from "./model-settings.ts";
import { isOff } from "./refused-fields.ts";

/** A model's own settings. */
export interface ModelSettings {
  generationConfig: GenerationConfig;
  /** The file that they come from. */
  file: string;
}

/** Parts of config.json that may hold settings in its place, as transformers looks for them. */
const innerConfigs = ["decoder", "generator", "text_config"];

/** What a call is given, and transformers refuses to find in a file. */
const ofCalls = [
  "logits_processor",
  "stopping_criteria",
  "prefix_allowed_tokens_fn",
  "assistant_model",
  "streamer",
  "negative_prompt_ids",
  "negative_prompt_attention_mask",
];

/**
 * Reads the settings of a model: generation_config.json, else the legacy keys of config.json, of its decoder's part where the
 * outer ones are absent. Values are checked by the call that uses them.
 *
 * Fields without an effect here, and in generation_config.json names that are no fields, are named in a warning.
 *
 * @throws `generation_config_invalid` where the file holds what only a call can
 */
export function readModelSettings(file: unknown, config: unknown): ModelSettings {
  if (!isRecord(file)) return { generationConfig: readLegacySettings(config), file: legacy };
  for (const field of ofCalls) {
    if ((file[field] ?? null) === null) continue;
    const expected = "left out: it belongs to a call";
    const details = { file: current, field, expected, given: file[field], option: camelCase(field) };
    throw new TsumugiError("generation_config_invalid", details);
  }
  warnOfUnknown(file);
  const generationConfig = fieldsOf(current, file);
  // transformers looks at this when it loads, whatever calls say
  ownSetting(generationConfig, "maxNewTokens", current);
  return { generationConfig, file: current };
}

/** The settings among the keys of config.json, or of its settings for a task. */
export function readLegacySettings(config: unknown): GenerationConfig {
  const outer = isRecord(config) ? config : {};
  const inner = innerConfigs.map((name) => outer[name]).find(isRecord) ?? {};
  return fieldsOf(legacy, outer, inner);
}

const current = "generation_config.json";
const legacy = "config.json";

function fieldsOf(file: string, outer: Record<string, unknown>, inner: Record<string, unknown> = {}): GenerationConfig {
  const result: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const name of generationFieldNames) {
    const value = outer[snakeCase(name)] ?? inner[snakeCase(name)];
    const field = generationFields[name]!;
    if (value === undefined || value === null || (field.supported && field.callOnly)) continue;
    if (field.supported) result[name] = value;
    else if (!isOff(field, value)) ignored.push(snakeCase(name));
  }
  if (ignored.length > 0) {
    warnOnce(`The model's ${file} sets ${ignored.join(", ")}, which is not supported yet and has no effect.`);
  }
  return result;
}

/** Names beside fields: what wrote the file. */
const notes = ["transformers_version", "_from_model_config", "_commit_hash", "use_model_defaults"];

function warnOfUnknown(file: Record<string, unknown>): void {
  const unknown = Object.keys(file).filter((name) => {
    return !notes.includes(name) && !ofCalls.includes(name) && !Object.hasOwn(generationFields, camelCase(name));
  });
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, 10).map((name) => name.slice(0, 60));
  const more = unknown.length > shown.length ? `, and ${unknown.length - shown.length} more` : "";
  warnOnce(`The model's ${current} has fields that are not known and have no effect: ${shown.join(", ")}${more}.`);
}
