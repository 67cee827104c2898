import { isContrastive } from "../decoding/beams/check-beams.ts";
import type { CallSettings } from "../decoding/resolve-settings.ts";
import { TsumugiError } from "../errors.ts";
import { attentionOutputs, hiddenStateOutputs } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import { warnOnce } from "../util/warnings.ts";
import type { WantedStates } from "./state-recorder.ts";

const onlyReference = 'only `device: "reference"` keeps what lies';

/**
 * What of the model's inside a call wants to see, undefined where nothing.
 *
 * @throws `unsupported_option` where the model, its device or the way of decoding cannot give it
 */
export function wantedStates(model: Model, { settings, named }: CallSettings): WantedStates | undefined {
  const contrastive = isContrastive(settings) ? "contrastive search does not give them" : undefined;
  const decide = <T>(option: "outputHiddenStates" | "outputAttentions", outputs: T | undefined, missing: string) => {
    if (!settings[option]) return undefined;
    const reason = outputs === undefined ? missing : contrastive;
    if (reason === undefined) return outputs;
    if (named[option]) throw new TsumugiError("unsupported_option", { option, reason });
    warnOnce(`The model's own \`${option}\` has no effect: ${reason}.`);
    return undefined;
  };
  const reason = `${onlyReference} between the layers, and only where that is one value as wide as the model says`;
  const attends = `${onlyReference} inside attention, and the model must attend`;
  const hidden = decide("outputHiddenStates", hiddenStateOutputs(model), reason);
  const attentions = decide("outputAttentions", attentionOutputs(model), attends);
  return hidden || attentions ? { hidden, attentions } : undefined;
}
