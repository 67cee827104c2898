import { TsumugiError } from "../errors.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { ownNames, refuseCallOptions, type TextGenerationOptions } from "./pipeline-options.ts";
import type { Prompt } from "./pipeline-prompts.ts";

const ownTypes = {
  returnFullText: "boolean",
  returnTensors: "boolean",
  returnText: "boolean",
  prefix: "string",
  stopSequence: "string",
  addSpecialTokens: "boolean",
  skipSpecialTokens: "boolean",
  cleanUpTokenizationSpaces: "boolean",
  continueFinalMessage: "boolean",
} as const;

/** Options of a call that are the pipeline's own. */
export type OwnOptions = Pick<TextGenerationOptions, (typeof ownNames)[number]>;

/**
 * Refuses unknown options of a call, and wrong values of the pipeline's own.
 *
 * @throws `unknown_option`, `unsupported_option`, `invalid_option`, `conflicting_options`
 */
export function checkTextGenerationOptions(options: TextGenerationOptions): void {
  refuseCallOptions(options, ownNames);
  checkGenerateOptions(options as GenerateOptions, ownNames);
  if (options.batchSize !== undefined) parseOption(whole(1), options.batchSize, "batchSize");
  checkOptionTypes(options, ownTypes);
  checkTogether(options);
}

function checkTogether(own: TextGenerationOptions): void {
  const kinds = (["returnFullText", "returnTensors", "returnText"] as const).filter((name) => own[name] !== undefined);
  if (kinds.length > 1) {
    const reason = "each says what an answer is";
    throw new TsumugiError("conflicting_options", { options: kinds.map((name) => `\`${name}\``).join(" and "), reason });
  }
  if ((own.returnText as boolean | undefined) === false) {
    const reason = "without text there are only ids: use `returnTensors`";
    throw new TsumugiError("unsupported_option", { option: "returnText: false", reason });
  }
  const { handleLongGeneration: way } = own;
  if (way !== undefined && way !== null && way !== "hole") {
    throw new TsumugiError("invalid_option", { option: "handleLongGeneration", expected: '"hole" or null', given: way });
  }
  if (own.stopSequence !== undefined && own.eosTokenId !== undefined) {
    const reason = "the one takes the place of the other";
    throw new TsumugiError("conflicting_options", { options: "`stopSequence` and `eosTokenId`", reason });
  }
}

/** A checked call's own options, and those for `generate`. */
export function splitOptions(given: TextGenerationOptions): { own: OwnOptions; options: GenerateOptions } {
  const isOwn = (name: string) => (ownNames as readonly string[]).includes(name);
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    own: Object.fromEntries(entries.filter(([name]) => isOwn(name))),
    options: Object.fromEntries(entries.filter(([name]) => !isOwn(name))),
  };
}

/** Options of chats beside a text, and the other way round. */
export function refuseOtherKind(prompt: Prompt, own: OwnOptions): void {
  const isText = typeof prompt === "string";
  const others = isText
    ? (["tools", "documents", "chatTemplateKwargs", "continueFinalMessage"] as const)
    : (["addSpecialTokens", "prefix"] as const);
  const option = others.find((name) => own[name] !== undefined);
  if (option === undefined) return;
  const forTexts =
    option === "prefix" ? "it is for texts, and the prompt is a chat" : "a chat template writes special tokens itself";
  const reason = isText ? "it is for chats, and the prompt is a text" : forTexts;
  throw new TsumugiError("unsupported_option", { option, reason });
}
