import type { SamplingStep } from "../step.ts";
import { torchTopK } from "../torch-top-k.ts";
import { fail, fields, finite, type OptionParser, whole } from "../validate.ts";
import { Greenlist, type WatermarkingConfig, watermarkDefaults } from "../watermark.ts";
import { overHistory, type ProcessorDefinition } from "./definition.ts";

const scheme: OptionParser<WatermarkingConfig["seedingScheme"]> = (value, option) =>
  value === "lefthash" || value === "selfhash" ? value : fail(option, '"lefthash" or "selfhash"', value);

/** Checks a watermark's settings; absent ones take transformers' defaults. */
export const parseWatermarkingConfig = fields<WatermarkingConfig>(
  {
    greenlistRatio: finite("a number above 0, below 1", (value) => value > 0 && value < 1),
    bias: finite("a number", () => true),
    hashingKey: whole(0),
    seedingScheme: scheme,
    contextWidth: whole(1),
  },
  watermarkDefaults,
);

/** A watermark that `WatermarkDetector` finds: a secret part of the vocabulary is favoured at every step. */
export const watermarkingConfig: ProcessorDefinition<WatermarkingConfig> = {
  name: "watermarkingConfig",
  order: 26,
  sampling: false,
  default: null,
  description: "Marks the text: `greenlistRatio`, `bias`, `hashingKey`, `seedingScheme`, `contextWidth`.",
  parse: parseWatermarkingConfig,
  off: () => false,
  create(value, { promptTokens, vocabularySize }) {
    const greenlist = new Greenlist(value, vocabularySize);
    return overHistory(promptTokens, (history): SamplingStep[] => {
      if (history.length < value.contextWidth) return [];
      if (value.seedingScheme === "lefthash") return [favour(greenlist.tokens(history), value.bias)];
      const context = [...history]; // read when the step runs
      return [{ kind: "call", apply: (scores) => favourBest(scores, context, greenlist, value.bias) }];
    });
  },
};

function favour(tokens: Int32Array, bias: number): SamplingStep {
  return { kind: "edit", how: "add", tokens, values: new Float32Array(tokens.length).fill(bias) };
}

/** "selfhash": each of the best 40 tokens is tried as the last of the context. */
function favourBest(scores: Float32Array, history: readonly number[], greenlist: Greenlist, bias: number): void {
  const best = torchTopK(scores, Math.min(40, scores.length));
  const green = best.filter((token) => greenlist.tokens([...history, token]).includes(token));
  for (const token of green) scores[token] = scores[token]! + Math.fround(bias);
}
