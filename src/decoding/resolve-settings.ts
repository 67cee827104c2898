import { TsumugiError } from "../errors.ts";
import { parseOption } from "../util/schemas.ts";
import { warnOnce } from "../util/warnings.ts";
import { checkSettings } from "./check-settings.ts";
import type { GenerationConfig } from "./generation-config.ts";
import { generationFieldEntries, generationFields, unset } from "./generation-fields.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import { decideByModel } from "./model-settings.ts";
import { isOff } from "./refused-fields.ts";

/** Values of all fields where nothing sets them. */
const defaults = Object.fromEntries(
  generationFieldEntries.flatMap(([name, field]) => (field.supported ? [[name, field.default]] : [])),
);

/**
 * Decides every field: call, then the `generationConfig` of the call, then the model's, then the default.
 *
 * @param file where the model's settings come from, for messages
 * @throws `unsupported_option` for a field that is refused, `invalid_option` for a wrong value, `generation_config_invalid` for
 * one of the model's that this call would use
 */
export function resolveSettings(call: object, passed: object, model: object, file?: string): GenerationSettings {
  const explicit = namedFields(call, passed);
  const result: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(withoutUndefined(explicit))) {
    const field = generationFields[name];
    if (field?.supported) result[name] = value === null ? unset(field) : parseOption(field.schema, value, name);
    else if (field && !isOff(field, value)) {
      throw new TsumugiError("unsupported_option", { option: name, reason: field.reason });
    }
  }
  decideByModel(result, model, explicit, file);
  if (typeof result.minNewTokens === "number") {
    if (explicit.minLength) warnOnce("Both `minNewTokens` and `minLength` are set. `minNewTokens` wins.");
    result.minLength = 0;
  }
  const settings = result as unknown as GenerationSettings;
  checkSettings(settings, explicit);
  return settings;
}

/** The settings of a call, and what the call itself has named of them. */
export interface CallSettings {
  settings: GenerationSettings;
  named: GenerationConfig;
}

/** Decides every field, as `resolveSettings`, and keeps what the call names. */
export function resolveCall(call: object, passed: object, model: object, file?: string): CallSettings {
  return { settings: resolveSettings(call, passed, model, file), named: namedFields(call, passed) };
}

/** What a call itself names: its own fields, then those of its `generationConfig`. */
function namedFields(call: object, passed: object): Record<string, unknown> {
  return { ...passed, ...withoutUndefined(call) };
}

function withoutUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}
