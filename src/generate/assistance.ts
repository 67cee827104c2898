import type { AssistedReport } from "../decoding/assisted/assisted-report.ts";
import { type DraftModel, draftModelDrafter } from "../decoding/assisted/draft-model.ts";
import { promptLookupDrafter } from "../decoding/assisted/prompt-lookup.ts";
import { checkSameTokens } from "../decoding/assisted/same-tokens.ts";
import { isSearch } from "../decoding/beams/check-beams.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { isGuided } from "../decoding/guided-decoder.ts";
import type { Drafter } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import type { RandomStream } from "../sampling/index.ts";
import { warnOnce } from "../util/warnings.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { PromptRow } from "./inputs.ts";

/** The rows of one request, which drafts are for. */
export interface AssistedRows {
  prompt: PromptRow;
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

/**
 * Reads what a call says about drafts; undefined: it wants none.
 *
 * @throws `conflicting_options`, `invalid_option`, `disposed`
 */
export function readAssistance(
  context: GenerateContext,
  options: GenerateOptions,
  settings: GenerationSettings,
): Assistance | undefined {
  warnOfIdle(options, settings);
  const { model } = context;
  const { assistantModel } = options;
  const { promptLookupNumTokens } = settings;
  if (!assistantModel && promptLookupNumTokens === null) return undefined;
  const name = assistantModel ? "assistantModel" : "promptLookupNumTokens";
  checkMode(name, settings);
  if (assistantModel && promptLookupNumTokens !== null) {
    const reason = "drafts come from one of them; set the other to null";
    throw new TsumugiError("conflicting_options", { options: "`assistantModel` and `promptLookupNumTokens`", reason });
  }
  const eosTokenIds = new Set(settings.eosTokenId ?? []);
  const report = { drafted: 0, accepted: 0 };
  if (assistantModel) {
    const assistant = assistantModel.assistantContext();
    const draft = readDraftModel(assistant, model, options, settings);
    const { vocabularySize } = model;
    const loadTokenizer = () => (options.tokenizer ? Promise.resolve(options.tokenizer) : context.loadTokenizer());
    return {
      report,
      check: () =>
        checkSameTokens(
          { size: vocabularySize, loadTokenizer },
          { size: assistant.model.vocabularySize, loadTokenizer: assistant.loadTokenizer },
        ),
      drafterOf: (rows) => {
        const { tokens, encoder } = rows.prompt;
        const prompt = { promptLength: tokens.length, encoderTokens: encoder?.tokens };
        return counted(draftModelDrafter(draft, { ...rows, ...prompt, vocabularySize, eosTokenIds }), report);
      },
    };
  }
  const { maxMatchingNgramSize } = settings;
  const lookup = { numTokens: promptLookupNumTokens as number, maxMatchingNgramSize, eosTokenIds };
  return { report, drafterOf: () => counted(promptLookupDrafter(lookup), report), check: async () => {} };
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
  { engine, model, generationConfig }: GenerateContext,
  target: Model,
  options: GenerateOptions,
  settings: GenerationSettings,
): DraftModel {
  const kind = ({ programs }: Model) => (programs.encode ? "an encoder-decoder model" : "a decoder-only model");
  if (kind(model) !== kind(target)) {
    throw new TsumugiError("invalid_option", { option: "assistantModel", expected: kind(target), found: kind(model) });
  }
  // A call's word counts; without it the assistant's own settings, as in transformers.
  const chosen = <Name extends (typeof ofAssistants)[number]>(name: Name): GenerationConfig[Name] => {
    const isSet = options[name] !== undefined || options.generationConfig?.[name] !== undefined;
    return isSet ? (settings[name] as GenerationConfig[Name]) : generationConfig[name];
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
function warnOfIdle(options: GenerateOptions, settings: GenerationSettings): void {
  const isSet = (name: keyof GenerationConfig) => (options[name] ?? options.generationConfig?.[name] ?? null) !== null;
  if (!options.assistantModel) {
    const idle = ofAssistants.filter(isSet);
    const names = idle.map((name) => `\`${name}\``).join(", ");
    if (idle.length > 0) warnOnce(`These options have an effect only with \`assistantModel\` and are ignored: ${names}.`);
  }
  if (settings.promptLookupNumTokens === null && isSet("maxMatchingNgramSize")) {
    warnOnce("Option `maxMatchingNgramSize` has an effect only with `promptLookupNumTokens`, and is ignored.");
  }
}
