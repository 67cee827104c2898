import type { GenerateContext } from "./generate-context.ts";

/** A loaded model that can draft for another one: a `CausalLM`, or a `Seq2SeqLM` for models of its kind. */
export interface AssistantModel {
  /** What drafts are made with. */
  generateContext(): GenerateContext;
}
