import { TsumugiError } from "../errors.ts";
import { snakeCase } from "../util/letter-case.ts";
import { parseOption } from "../util/schemas.ts";
import type { GenerationConfig } from "./generation-config.ts";
import { generationFields, type SupportedField, unset } from "./generation-fields.ts";

/** A value of the model's that its field cannot have. */
interface WrongValue {
  name: string;
  value: unknown;
  field: SupportedField;
  cause: TsumugiError;
}

/**
 * Lets a model's own settings decide the fields that a call leaves open. Files hold values that a call may not have. As in
 * transformers, they do no harm where they mean "off", or where nothing of this call would read them.
 *
 * @throws `generation_config_invalid` for a wrong value that this call would use
 */
export function decideByModel(
  result: Record<string, unknown>,
  model: object,
  call: Record<string, unknown>,
  file?: string,
): void {
  const wrong: WrongValue[] = [];
  for (const [name, value] of Object.entries(model)) {
    const field = generationFields[name];
    if (value === undefined || call[name] !== undefined || !field?.supported) continue;
    result[name] = unset(field);
    if (value === null || field.offInFiles?.(value)) continue;
    try {
      result[name] = parseOption(field.schema, value, name);
    } catch (error) {
      if (!TsumugiError.isInstance(error)) throw error;
      wrong.push({ name, value, field, cause: error });
    }
  }
  for (const { name, value, field, cause } of wrong) {
    if (isIdle(field, result, value)) continue;
    throw invalid(name, cause, file);
  }
}

function isIdle({ idle, sampling }: SupportedField, settings: Record<string, unknown>, value: unknown): boolean {
  return idle ? idle(settings, value) : sampling === true && settings.doSample !== true;
}

/**
 * One of a model's own settings, for who reads it without a call.
 *
 * @throws `generation_config_invalid`
 */
export function ownSetting<Name extends keyof GenerationConfig>(
  model: GenerationConfig,
  name: Name,
  file: string,
): GenerationConfig[Name] {
  const value = model[name];
  const field = generationFields[name];
  if (value === undefined || value === null || !field?.supported) return value;
  try {
    return parseOption(field.schema, value, name) as GenerationConfig[Name];
  } catch (error) {
    throw TsumugiError.isInstance(error) ? invalid(name, error, file) : error;
  }
}

function invalid(option: string, cause: TsumugiError, file = "generation config"): TsumugiError {
  const { expected, given } = cause.details;
  const details = { file, field: snakeCase(String(cause.details.option)), expected, given, option };
  return new TsumugiError("generation_config_invalid", details, { cause });
}
