import type { Drafter } from "../../engine/request.ts";
import { TsumugiError } from "../../errors.ts";
import type { Model } from "../../ops/program.ts";
import type { RandomStream } from "../../sampling/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { warnOnce } from "../../util/warnings.ts";
import { isSearch } from "../beams/check-beams.ts";
import type { GenerationConfig } from "../generation-config.ts";
import type { GenerationSettings } from "../generation-settings.ts";
import { isGuided } from "../guided-decoder.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { ownSetting } from "../model-settings.ts";
import type { RequestPrompt } from "../request-prompt.ts";
import type { CallSettings } from "../resolve-settings.ts";
import type { AssistedReport } from "./assisted-report.ts";
import { type DraftModel, draftModelDrafter } from "./draft-model.ts";
import { promptLookupDrafter } from "./prompt-lookup.ts";
import { checkSameTokens } from "./same-tokens.ts";

/** The rows of one request, which drafts are for. */
export interface AssistedRows {
  prompt: RequestPrompt;
  firstRow: number;
  batchRows: number;
  stream: RandomStream | undefined;
}

/** Assisted generation of one call. */
export interface Assistance {
  /** Counts over all rows of the call. */
  report: AssistedReport;
  drafterOf(rows: AssistedRows): Drafter;
  /** Rejects where the assistant's tokens are not the model's. */
  check(): Promise<void>;
}

const ofAssistants = ["numAssistantTokens", "numAssistantTokensSchedule", "assistantConfidenceThreshold"] as const;

/** What a call gives for its drafts, beside its settings. */
export interface AssistanceOptions {
  /** Drafts tokens; without it only prompt lookup does. */
  assistant?: LoadedModel | undefined;
  /** The call's own tokenizer, in place of the model's. */
  tokenizer?: Tokenizer | undefined;
}

/**
 * Reads what a call says about drafts; undefined: it wants none.
 *
 * @throws `conflicting_options`, `invalid_option`
 */
export function readAssistance(
  target: LoadedModel,
  { settings, named }: CallSettings,
  { assistant, tokenizer }: AssistanceOptions,
): Assistance | undefined {
  warnOfIdle(settings, named, assistant !== undefined);
  const { promptLookupNumTokens, maxMatchingNgramSize } = settings;
  if (assistant) {
    checkMode("assistantModel", settings);
    if (promptLookupNumTokens !== null) {
      const reason = "drafts come from one of them; set the other to null";
      throw new TsumugiError("conflicting_options", { options: "`assistantModel` and `promptLookupNumTokens`", reason });
    }
    return draftModelAssistance(target, assistant, { settings, named }, tokenizer);
  }
  if (promptLookupNumTokens === null) return undefined;
  checkMode("promptLookupNumTokens", settings);
  const report = { drafted: 0, accepted: 0 };
  const lookup = { numTokens: promptLookupNumTokens, maxMatchingNgramSize, eosTokenIds: new Set(settings.eosTokenId) };
  return { report, drafterOf: () => counted(promptLookupDrafter(lookup), report), check: async () => {} };
}

function draftModelAssistance(
  target: LoadedModel,
  assistant: LoadedModel,
  { settings, named }: CallSettings,
  tokenizer: Tokenizer | undefined,
): Assistance {
  const report = { drafted: 0, accepted: 0 };
  const draft = readDraftModel(assistant, target.model, settings, named);
  const eosTokenIds = new Set(settings.eosTokenId);
  const { vocabularySize } = target.model;
  const loadTokenizer = () => (tokenizer ? Promise.resolve(tokenizer) : target.loadTokenizer());
  return {
    report,
    check: () =>
      checkSameTokens(
        { size: vocabularySize, loadTokenizer },
        { size: assistant.model.vocabularySize, loadTokenizer: assistant.loadTokenizer },
      ),
    drafterOf: ({ prompt: { tokens, encoder }, ...rows }) => {
      const row = { ...rows, promptLength: tokens.length, encoderTokens: encoder?.tokens, vocabularySize, eosTokenIds };
      return counted(draftModelDrafter(draft, row), report);
    },
  };
}

/** A drafter whose drafts are counted. */
function counted(drafter: Drafter, report: AssistedReport): Drafter {
  return {
    ...drafter,
    judge(sequence, drafted, accepted) {
      report.drafted += drafted;
      report.accepted += accepted;
      drafter.judge?.(sequence, drafted, accepted);
    },
  };
}

/** Assisted generation is greedy or samples, as in transformers. */
function checkMode(name: string, settings: GenerationSettings): void {
  const other = isSearch(settings)
    ? settings.numBeams > 1
      ? "numBeams"
      : "penaltyAlpha"
    : isGuided(settings)
      ? "guidanceScale"
      : undefined;
  if (other === undefined) return;
  const reason = "drafts are for greedy decoding and sampling of single rows";
  throw new TsumugiError("conflicting_options", { options: `\`${name}\` and \`${other}\``, reason });
}

function readDraftModel(
  { engine, model, generationConfig, settingsFile }: LoadedModel,
  target: Model,
  settings: GenerationSettings,
  named: GenerationConfig,
): DraftModel {
  const kind = ({ programs }: Model) => (programs.encode ? "an encoder-decoder model" : "a decoder-only model");
  if (kind(model) !== kind(target)) {
    throw new TsumugiError("invalid_option", { option: "assistantModel", expected: kind(target), found: kind(model) });
  }
  // A call's word counts; without it the assistant's own settings, as in transformers.
  const chosen = <Name extends (typeof ofAssistants)[number]>(name: Name): GenerationConfig[Name] => {
    if (named[name] !== undefined) return settings[name] as GenerationConfig[Name];
    return ownSetting(generationConfig, name, settingsFile);
  };
  const threshold = chosen("assistantConfidenceThreshold");
  return {
    engine,
    model,
    numAssistantTokens: chosen("numAssistantTokens") ?? 20,
    schedule: chosen("numAssistantTokensSchedule") ?? "constant",
    confidenceThreshold: threshold === null ? 0 : (threshold ?? 0.4),
    remember(numAssistantTokens) {
      generationConfig.numAssistantTokens = numAssistantTokens;
    },
  };
}

/** Names what a call sets for drafts that it does not ask for. */
function warnOfIdle(settings: GenerationSettings, named: GenerationConfig, isAssisted: boolean): void {
  const isSet = (name: keyof GenerationConfig) => (named[name] ?? null) !== null;
  if (!isAssisted) {
    const idle = ofAssistants.filter(isSet);
    const names = idle.map((name) => `\`${name}\``).join(", ");
    if (idle.length > 0) warnOnce(`These options have an effect only with \`assistantModel\` and are ignored: ${names}.`);
  }
  if (settings.promptLookupNumTokens === null && isSet("maxMatchingNgramSize")) {
    warnOnce("Option `maxMatchingNgramSize` has an effect only with `promptLookupNumTokens`, and is ignored.");
  }
}
