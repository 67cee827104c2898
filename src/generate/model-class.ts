import { TsumugiError } from "../errors.ts";

/** The class that loads models of one kind. */
export type AutoModelName = "AutoModelForCausalLM" | "AutoModelForSeq2SeqLM";

/** Refuses a model that the asked class does not load: `model_class`. */
export function checkModelClass(given: string, hasEncoder: boolean, asked: AutoModelName | undefined): void {
  const right: AutoModelName = hasEncoder ? "AutoModelForSeq2SeqLM" : "AutoModelForCausalLM";
  const task = hasEncoder ? "text2text-generation" : "text-generation";
  if (asked !== undefined && asked !== right) throw new TsumugiError("model_class", { asked, given, right, task });
}
