import { TsumugiError } from "../errors.ts";
import { parseOption } from "../util/schemas.ts";
import { warnOnce } from "../util/warnings.ts";
import { checkSettings } from "./check-settings.ts";
import type { GenerationConfig } from "./generation-config.ts";
import { generationFieldEntries, generationFields } from "./generation-fields.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import { isOff } from "./refused-fields.ts";

/** Values of all fields where nothing sets them. */
const defaults = Object.fromEntries(
  generationFieldEntries.flatMap(([name, field]) => (field.supported ? [[name, field.default]] : [])),
);

/**
 * Decides every field: call, then the `generationConfig` of the call, then the model's, then the default.
 *
 * @throws `unsupported_option` for a field that is refused, `invalid_option` for a wrong value
 */
export function resolveSettings(call: object, passed: object, model: object): GenerationSettings {
  const explicit = namedFields(call, passed);
  const values: Record<string, unknown> = { ...withoutUndefined(model), ...withoutUndefined(explicit) };
  const result: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(values)) {
    const field = generationFields[name];
    if (field?.supported) {
      if (value !== null) result[name] = parseOption(field.schema, value, name);
      else if (!field.required) result[name] = null;
    } else if (field && !isOff(field, explicit[name])) {
      throw new TsumugiError("unsupported_option", { option: name, reason: field.reason });
    }
  }
  if (Array.isArray(result.eosTokenId) && result.eosTokenId.length === 0) result.eosTokenId = null;
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
export function resolveCall(call: object, passed: object, model: object): CallSettings {
  return { settings: resolveSettings(call, passed, model), named: namedFields(call, passed) };
}

/** What a call itself names: its own fields, then those of its `generationConfig`. */
function namedFields(call: object, passed: object): Record<string, unknown> {
  return { ...passed, ...withoutUndefined(call) };
}

function withoutUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}
