import { isRecord } from "../util/json-value.ts";
import { snakeCase } from "../util/letter-case.ts";
import { warnOnce } from "../util/warnings.ts";
import type { GenerationConfig } from "./generation-config.ts";
import { generationFieldNames, generationFields } from "./generation-fields.ts";
import { isOff } from "./refused-fields.ts";

/**
 * Reads the generation settings of a model: generation_config.json, else the legacy keys of config.json, of a multimodal
 * model's `text_config` where the outer ones are absent.
 * Unsupported fields with an effect are named in a warning when the model is used; keys that are no fields are skipped.
 */
export function readGenerationConfig(file: unknown, config: unknown): GenerationConfig {
  const outer = isRecord(config) ? config : {};
  const source = isRecord(file) ? file : outer;
  const inner = !isRecord(file) && isRecord(outer.text_config) ? outer.text_config : {};
  const result: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const name of generationFieldNames) {
    const value = source[snakeCase(name)] ?? inner[snakeCase(name)];
    const field = generationFields[name]!;
    if (value === undefined || value === null || (field.supported && field.callOnly)) continue;
    if (field.supported) result[name] = value;
    else if (!isOff(field, value)) ignored.push(snakeCase(name));
  }
  // transformers takes 20, the old default that many files carry, for unset
  if (result.maxLength === 20) delete result.maxLength;
  if (ignored.length > 0) {
    warnOnce(
      `The model's ${isRecord(file) ? "generation_config.json" : "config.json"} sets ${ignored.join(", ")}, which is not supported yet and has no effect.`,
    );
  }
  return result;
}
