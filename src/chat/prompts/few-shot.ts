import { TsumugiError } from "../../errors.ts";
import type { TextMessage } from "../../tokenizer/index.ts";
import { checkOptionTypes } from "../../util/option-types.ts";
import { refuseUnknownFields } from "./fields.ts";
import type { FieldValues, InstructionTemplate } from "./instruction-template.ts";

/** A worked example: the fields of the instruction, and the answer that the model should have given. */
export interface FewShotExample<Template extends string = string> {
  fields: FieldValues<Template>;
  answer: string;
}

/** How `fewShotPrompt` puts its parts together. */
export interface FewShotPromptOptions {
  /** Stands between an instruction and its answer. Default: a space. */
  answerSeparator?: string | undefined;
  /** Stands between examples. Default: an empty line. */
  separator?: string | undefined;
  /** A text that comes before all of it, followed by `separator`. Default: none. */
  introduction?: string | undefined;
}

/**
 * A prompt for models without a chat format: each example with its answer, then the question, left open. Without examples it
 * is the instruction alone.
 *
 * Errors: those of the template; `invalid_input` for an instruction that is no template, and for an example without an
 * answer; `unknown_option`, `invalid_option`.
 *
 * @example
 * ```ts
 * const translate = instructionTemplate("Translate to Japanese:\nEnglish: {text}\nJapanese:");
 * fewShotPrompt(translate, [{ fields: { text: "How are you?" }, answer: "お元気ですか？" }], { text: "Good night." });
 * ```
 */
export function fewShotPrompt<Template extends string>(
  instruction: InstructionTemplate<Template>,
  examples: readonly FewShotExample<NoInfer<Template>>[],
  fields: FieldValues<NoInfer<Template>>,
  options: FewShotPromptOptions = {},
): string {
  checkParts(instruction, examples);
  refuseUnknownFields(options, ["answerSeparator", "separator", "introduction"], "The options of fewShotPrompt");
  checkOptionTypes(options, { answerSeparator: "string", separator: "string", introduction: "string" });
  const { answerSeparator = " ", separator = "\n\n", introduction } = options;
  const shots = examples.map((example, index) => `${instruction(example.fields)}${answerSeparator}${answerOf(example, index)}`);
  return [...(introduction === undefined ? [] : [introduction]), ...shots, instruction(fields)].join(separator);
}

/**
 * The same as a conversation, for chat models: each example is a turn of the user and one of the assistant. `system` comes
 * first where it is given. Pass the messages to a pipeline or to `applyChatTemplate`.
 *
 * Errors: those of the template; `invalid_input` for an instruction that is no template, and for an example without an
 * answer; `unknown_option`, `invalid_option`.
 *
 * @example
 * ```ts
 * const capital = instructionTemplate("What is the capital of {country}?");
 * fewShotMessages(capital, [{ fields: { country: "Japan" }, answer: "Tokyo" }], { country: "France" });
 * ```
 */
export function fewShotMessages<Template extends string>(
  instruction: InstructionTemplate<Template>,
  examples: readonly FewShotExample<NoInfer<Template>>[],
  fields: FieldValues<NoInfer<Template>>,
  options: { system?: string | undefined } = {},
): TextMessage[] {
  checkParts(instruction, examples);
  refuseUnknownFields(options, ["system"], "The options of fewShotMessages");
  checkOptionTypes(options, { system: "string" });
  return [
    ...(options.system === undefined ? [] : [{ role: "system", content: options.system }]),
    ...examples.flatMap((example, index) => [
      { role: "user", content: instruction(example.fields) },
      { role: "assistant", content: answerOf(example, index) },
    ]),
    { role: "user", content: instruction(fields) },
  ];
}

function checkParts(instruction: unknown, examples: unknown): void {
  if (typeof instruction !== "function") {
    const expected = "a template of instructionTemplate()";
    throw new TsumugiError("invalid_input", { what: "The instruction", expected, given: instruction });
  }
  if (!Array.isArray(examples))
    throw new TsumugiError("invalid_input", { what: "The examples", expected: "a list", given: examples });
  for (const [index, example] of examples.entries()) {
    answerOf(example, index);
    refuseUnknownFields(example, ["fields", "answer"], `Example ${index + 1}`);
  }
}

function answerOf(example: { answer: string }, index: number): string {
  if (typeof example?.answer === "string") return example.answer;
  const what = `Example ${index + 1}`;
  throw new TsumugiError("invalid_input", { what, expected: "{ fields, answer } with text as its answer", given: example });
}
