import type { PartialFields } from "../../util/partial-fields.ts";
import { choice, fields, number, whole } from "../../util/schemas.ts";
import type { SamplingStep } from "../step.ts";
import { torchTopK } from "../torch-top-k.ts";
import { Greenlist, type WatermarkingConfig, watermarkDefaults } from "../watermark.ts";
import { defineProcessor, overHistory } from "./definition.ts";

/** Settings of a watermark. Absent ones take transformers' defaults. */
export const watermarkSchema = fields({
  greenlistRatio: number("a number above 0, below 1", { above: 0, below: 1 }).default(watermarkDefaults.greenlistRatio),
  bias: number("a number").default(watermarkDefaults.bias),
  hashingKey: whole(0).default(watermarkDefaults.hashingKey),
  seedingScheme: choice(["lefthash", "selfhash"], '"lefthash" or "selfhash"').default(watermarkDefaults.seedingScheme),
  contextWidth: whole(1).default(watermarkDefaults.contextWidth),
});

declare module "../options.ts" {
  interface SamplingOptions {
    /** Adds a KGW watermark, which `WatermarkDetector` finds. Absent settings take transformers' defaults. */
    watermarkingConfig?: PartialFields<WatermarkingConfig> | null | undefined;
  }
}

/** Adds a watermark that `WatermarkDetector` finds, by favouring a secret part of the vocabulary at every step. */
export const watermarkingConfig = defineProcessor({
  name: "watermarkingConfig",
  order: 26,
  sampling: false,
  default: null,
  description:
    "`{ greenlistRatio, bias, hashingKey, seedingScheme, contextWidth }`: a KGW watermark, found by `new WatermarkDetector({ vocabularySize, watermarkingConfig }).detect(rows)`.",
  schema: watermarkSchema,
  off: () => false,
  create(value, { promptTokens, vocabularySize }) {
    const greenlist = new Greenlist(value, vocabularySize);
    return overHistory(promptTokens, (history): SamplingStep[] => {
      if (history.length < value.contextWidth) return [];
      if (value.seedingScheme === "lefthash") return [favour(greenlist.tokens(history), value.bias)];
      const context = [...history]; // the step reads it when it runs
      return [{ kind: "call", apply: (scores) => favourBest(scores, context, greenlist, value.bias) }];
    });
  },
});

function favour(tokens: Int32Array, bias: number): SamplingStep {
  return { kind: "edit", how: "add", tokens, values: new Float32Array(tokens.length).fill(bias) };
}

/** Favours green tokens as "selfhash" has them: each of the best 40 is tried as the last of the context. */
function favourBest(scores: Float32Array, history: readonly number[], greenlist: Greenlist, bias: number): void {
  const best = torchTopK(scores, Math.min(40, scores.length));
  const green = best.filter((token) => greenlist.tokens([...history, token]).includes(token));
  for (const token of green) scores[token] = scores[token]! + Math.fround(bias);
}
