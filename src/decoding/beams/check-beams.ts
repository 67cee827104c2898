import { TsumugiError } from "../../errors.ts";
import { warnOnce } from "../../util/warnings.ts";
import type { GenerationSettings } from "../generation-settings.ts";

/** Contrastive search: `penaltyAlpha` with several candidates, where nothing is drawn and there are no beams. */
export function isContrastive({ penaltyAlpha, topK, doSample, numBeams }: GenerationSettings): boolean {
  return penaltyAlpha > 0 && typeof topK === "number" && topK > 1 && !doSample && numBeams === 1;
}

/** Whether rows are found by a search of `runBeams`. */
export function isSearch(settings: GenerationSettings): boolean {
  return settings.numBeams > 1 || isContrastive(settings);
}

/**
 * What holds between the options of searches over beams.
 *
 * @throws `conflicting_options`
 */
export function checkBeams(settings: GenerationSettings, explicit: Record<string, unknown>): void {
  const { numBeams, numReturnSequences, numBeamGroups, diversityPenalty, doSample, forceWordsIds, stopStrings } = settings;
  const refuse = (options: string, reason: string) => {
    throw new TsumugiError("conflicting_options", { options, reason });
  };
  const beams = `\`numBeams: ${numBeams}\``;
  if (numBeamGroups > 1) {
    const groups = `\`numBeamGroups: ${numBeamGroups}\``;
    if (numBeams % numBeamGroups !== 0) refuse(`${groups} and ${beams}`, "groups must divide the beams evenly");
    if (doSample) refuse(`${groups} and \`doSample: true\``, "diverse beam search does not draw");
    if (diversityPenalty === 0) refuse(`${groups} and \`diversityPenalty: 0\``, "all groups would find the same rows");
  }
  if (forceWordsIds) {
    if (numBeams === 1) refuse(`\`forceWordsIds\` and ${beams}`, "constraints need a beam search; set `numBeams`");
    if (doSample) refuse("`forceWordsIds` and `doSample: true`", "a constrained search does not draw");
    if (numBeamGroups > 1) refuse("`forceWordsIds` and `numBeamGroups`", "a constrained search has no groups");
  }
  if (stopStrings && (forceWordsIds || numBeamGroups > 1)) {
    const other = forceWordsIds ? "`forceWordsIds`" : "`numBeamGroups`";
    refuse(`\`stopStrings\` and ${other}`, "these searches end their rows with end tokens only");
  }
  if (numBeams > 1 && numReturnSequences > numBeams) {
    const rows = `\`numReturnSequences: ${numReturnSequences}\``;
    refuse(`${rows} and ${beams}`, "a beam search has as many rows to give as it has beams");
  }
  if (isContrastive(settings)) {
    const alpha = `\`penaltyAlpha: ${settings.penaltyAlpha}\``;
    const reason = "contrastive search has one row, whose tokens are compared by their hidden states";
    if (numReturnSequences > 1) refuse(`${alpha} and \`numReturnSequences: ${numReturnSequences}\``, reason);
    const { guidanceScale } = settings;
    if (typeof guidanceScale === "number" && guidanceScale !== 1) refuse(`${alpha} and \`guidanceScale\``, reason);
  }
  warnOfIdle(settings, explicit);
}

/** Names what a call sets for a search that it does not ask for. */
function warnOfIdle(settings: GenerationSettings, explicit: Record<string, unknown>): void {
  const { numBeams, numBeamGroups } = settings;
  const above = (value: unknown, floor: number) => typeof value === "number" && value > floor;
  const { earlyStopping, lengthPenalty } = explicit;
  const idle: [string, boolean, string][] = [
    ["earlyStopping", numBeams === 1 && (earlyStopping === true || earlyStopping === "never"), "`numBeams` above 1"],
    ["lengthPenalty", numBeams === 1 && typeof lengthPenalty === "number" && lengthPenalty !== 1, "`numBeams` above 1"],
    ["diversityPenalty", numBeamGroups === 1 && above(explicit.diversityPenalty, 0), "`numBeamGroups` above 1"],
    [
      "penaltyAlpha",
      above(explicit.penaltyAlpha, 0) && !isContrastive(settings),
      "`topK` above 1, one beam and `doSample: false`",
    ],
  ];
  for (const [option, isIdle, needed] of idle) {
    if (isIdle) warnOnce(`Option \`${option}\` has an effect only with ${needed}, and is ignored.`);
  }
}
