import { whole } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps only the k likeliest tokens. Sampling only. Default 50; 0 is no limit. */
    topK?: number | null | undefined;
  }
}

/** Keeps the k greatest scores and whatever ties with the last of them. */
export const topK = defineProcessor({
  name: "topK",
  order: 20,
  sampling: true,
  default: 50,
  description: "Samples from the k most likely tokens only; 0 is no limit.",
  flag: { value: "k", help: "sample from the k most likely tokens; 0 is all" },
  schema: whole(0),
  // greedy decoding compares it too, to tell contrastive search
  idle: ({ doSample }, value) => doSample !== true && typeof value === "number",
  off: (value) => value === 0,
  create: warper("topK"),
});
