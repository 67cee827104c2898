import { TsumugiError } from "../errors.ts";
import { warnOnce } from "../util/warnings.ts";
import { checkSettings } from "./check-settings.ts";
import { generationFields, isOff } from "./generation-fields.ts";
import type { GenerationSettings } from "./generation-settings.ts";

/**
 * Decides every field: call, then the `generationConfig` of the call, then the model's, then the default.
 *
 * @throws `unsupported_option` for a field that is refused, `invalid_option` for a wrong value
 */
export function resolveSettings(call: object, passed: object, model: object): GenerationSettings {
  const explicit = namedFields(call, passed);
  const values: Record<string, unknown> = { ...withoutUndefined(model), ...withoutUndefined(explicit) };
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(generationFields)) {
    const value = values[name];
    if (!field.supported) {
      if (!isOff(field, explicit[name])) {
        throw new TsumugiError("unsupported_option", { option: name, reason: field.reason });
      }
      continue;
    }
    if (value === undefined) result[name] = field.default;
    else if (value === null) result[name] = typeof field.default === "boolean" ? false : null;
    else result[name] = field.parse(value, name);
  }
  if (Array.isArray(result.eosTokenId) && result.eosTokenId.length === 0) result.eosTokenId = null;
  result.numReturnSequences ??= 1;
  result.minLength ??= 0;
  if (typeof result.minNewTokens === "number") {
    if (explicit.minLength) warnOnce("Both `minNewTokens` and `minLength` are set. `minNewTokens` wins.");
    result.minLength = 0;
  }
  result.numBeams ??= 1;
  result.lengthPenalty ??= 1;
  result.numBeamGroups ??= 1;
  result.diversityPenalty ??= 0;
  result.penaltyAlpha ??= 0;
  result.maxMatchingNgramSize ??= 2;
  const settings = result as unknown as GenerationSettings;
  checkSettings(settings, explicit);
  return settings;
}

/** What a call itself names: its own fields, then those of its `generationConfig`. */
export function namedFields(call: object, passed: object): Record<string, unknown> {
  return { ...passed, ...withoutUndefined(call) };
}

function withoutUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}
