import { z } from "zod";
import { expects } from "../../util/schemas.ts";
import type { AssistantModel } from "../assistant-model.ts";
import { defineCallOption } from "../define-call-option.ts";

declare module "../options.ts" {
  interface CallOptions {
    /**
     * A smaller model with the same vocabulary that guesses tokens, which one step of this one then checks: the answer is the
     * same, and comes sooner where the guesses are good. It may be shared by calls that run at once.
     */
    assistantModel?: AssistantModel | null | undefined;
  }
}

const isModel = (value: unknown) => typeof (value as Partial<AssistantModel> | null)?.generateContext === "function";

export const assistantModel = defineCallOption({
  name: "assistantModel",
  schema: expects("a model of `AutoModelForCausalLM` or `AutoModelForSeq2SeqLM`", z.custom<AssistantModel>(isModel)).nullable(),
  default: null,
  callOnly: true,
  description: "A smaller model with the same vocabulary that guesses tokens; the answer is the same, and may come sooner.",
});
