import { TsumugiError } from "../errors.ts";
import { processorDefinitions } from "../sampling/index.ts";
import { warnOnce } from "../util/warnings.ts";
import { checkBeams, isContrastive } from "./beams/check-beams.ts";
import { generationFieldEntries } from "./generation-fields.ts";
import type { GenerationSettings } from "./generation-settings.ts";

/**
 * Refuses settings that cannot go together, and warns of those that have no effect. `explicit`: what the call itself names.
 *
 * @throws `conflicting_options`
 */
export function checkSettings(settings: GenerationSettings, explicit: Record<string, unknown>): void {
  checkForced(settings);
  if (settings.numBeams > 1 && typeof settings.guidanceScale === "number" && settings.guidanceScale !== 1) {
    const options = "`guidanceScale` and `numBeams`";
    throw new TsumugiError("conflicting_options", { options, reason: "guidance of beams is not supported" });
  }
  checkBeams(settings, explicit);
  if (settings.doSample) {
    checkReplaced(settings, explicit);
    return;
  }
  if (settings.numReturnSequences > 1 && settings.numBeams === 1) {
    throw new TsumugiError("conflicting_options", {
      options: `\`numReturnSequences: ${settings.numReturnSequences}\` and \`doSample: false\``,
      reason: "greedy decoding gives the same row every time; set `doSample: true`, or `numBeams`",
    });
  }
  warnOfSamplingOptions(settings, explicit);
}

/** Names what a call sets for sampling, where it does not sample. */
function warnOfSamplingOptions(settings: GenerationSettings, explicit: Record<string, unknown>): void {
  const flags = generationFieldEntries.filter(
    ([name, field]) =>
      field.supported &&
      field.sampling &&
      explicit[name] != null &&
      explicit[name] !== field.default &&
      !(name === "topK" && isContrastive(settings)),
  );
  if (flags.length > 0) {
    const names = flags.map(([name]) => `\`${name}\``).join(", ");
    warnOnce(`These options have an effect only with \`doSample: true\` and are ignored: ${names}.`);
  }
}

/** Options that another one takes the place of are refused where the call sets both. */
function checkReplaced(settings: GenerationSettings, explicit: Record<string, unknown>): void {
  const values = settings as unknown as { readonly [option: string]: unknown };
  for (const { name, replaces = [], off } of processorDefinitions) {
    const value = values[name];
    if (replaces.length === 0 || value === undefined || value === null || off(value)) continue;
    const isOn = (option: string) => {
      const definition = processorDefinitions.find((candidate) => candidate.name === option);
      const given = explicit[option];
      return definition !== undefined && given !== undefined && given !== null && !definition.off(values[option]);
    };
    const other = replaces.find(isOn) ?? (settings.numBeams === 1 ? undefined : "numBeams");
    if (other === undefined) continue;
    const reason = `\`${name}\` takes the place of ${replaces.join(", ")}, and needs one beam`;
    throw new TsumugiError("conflicting_options", { options: `\`${name}\` and \`${other}\``, reason });
  }
}

/** A token that is forced and suppressed would leave nothing to pick. */
function checkForced(settings: GenerationSettings): void {
  const suppressed = settings.suppressTokens;
  for (const option of ["forcedBosTokenId", "forcedEosTokenId"] as const) {
    const forced = [settings[option] ?? []].flat();
    if (forced.length === 0 || !suppressed || !forced.every((token) => suppressed.includes(token))) continue;
    const options = `\`${option}: ${forced.join()}\` and \`suppressTokens\``;
    throw new TsumugiError("conflicting_options", { options, reason: "a forced token cannot be suppressed" });
  }
}
