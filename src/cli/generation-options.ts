import { type Command, InvalidArgumentError, Option } from "commander";
import { TsumugiError } from "../errors.ts";
import { optionDefinitions } from "../generate/option-definitions.ts";
import type { OptionDefinition } from "../util/option-definition.ts";
import { parseOption } from "../util/schemas.ts";

/** What the generation options of a command parse to. Values stand under the attribute names of their flags. */
export interface GenerationFlags {
  maxNewTokens?: number;
  [attribute: string]: unknown;
}

/** An option of generate() with its flag. */
interface Flag {
  definition: OptionDefinition;
  option: Option;
}

/** The flags that definitions declare. */
function createFlags(): Flag[] {
  return optionDefinitions.flatMap((definition) => (definition.flag ? [{ definition, option: optionOf(definition) }] : []));
}

function optionOf(definition: OptionDefinition): Option {
  const { name, flag = {}, description } = definition;
  const flagName = flag.name ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const value = flag.value === undefined ? "" : ` <${flag.value}>`;
  const option = new Option(`--${flagName}${value}`, flag.help ?? asHelp(description));
  return flag.value === undefined ? option : option.argParser((text, previous) => readValue(definition, text, previous));
}

/** "Keeps the best." → "keeps the best" */
function asHelp(description: string): string {
  return `${description[0]!.toLowerCase()}${description.slice(1).replace(/\.$/, "")}`;
}

/** The text as the option takes it: as it is, as a number, or as JSON. Lists collect what repeated flags give. */
function readValue({ name, schema }: OptionDefinition, text: string, previous: unknown): unknown {
  const meant = [text, ...(text.trim() === "" ? [] : [Number(text)]), ...fromJson(text)];
  const value = meant.find((candidate) => schema.safeParse(candidate).success);
  if (value === undefined) throw new InvalidArgumentError(complaint(schema, meant[1] ?? text, name));
  const parsed = schema.parse(value);
  return Array.isArray(parsed) && Array.isArray(previous) ? [...previous, ...parsed] : parsed;
}

function fromJson(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

/** What the value must be, in the option's own words. */
function complaint(schema: OptionDefinition["schema"], value: unknown, name: string): string {
  try {
    parseOption(schema, value, name);
  } catch (error) {
    if (TsumugiError.isInstance(error)) return `It must be ${error.details.expected}.`;
  }
  return "It cannot be read.";
}

/** Adds the options of decoding. Decoding is greedy unless an option that is for sampling, or the seed, is given. */
export function addGenerationOptions(command: Command, defaults: { maxNewTokens: number }): Command {
  for (const { definition, option } of createFlags()) {
    command.addOption(definition.name === "maxNewTokens" ? option.default(defaults.maxNewTokens) : option);
  }
  return command;
}

/** The options of generate() that the flags stand for. At temperature 0 the library tells which others have no effect. */
export function toGenerateOptions(flags: GenerationFlags): Record<string, unknown> {
  const given = createFlags().flatMap(({ definition, option }) => {
    const value = flags[option.attributeName()];
    return value === undefined ? [] : [{ definition, value }];
  });
  const doSample = flags.temperature !== 0 && given.some(({ definition }) => definition.sampling);
  const kept = given.filter(({ definition, value }) => !(definition.name === "temperature" && value === 0));
  return { ...Object.fromEntries(kept.map(({ definition, value }) => [definition.name, value])), doSample };
}
