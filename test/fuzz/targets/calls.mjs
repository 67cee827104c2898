/** Options and inputs of calls, as callers in plain JavaScript may give them. */
import { mutateJson, withNumbers } from "../mutate-json.mjs";

const options = {
  ...{
    maxNewTokens: 4,
    minNewTokens: 1,
    doSample: true,
    seed: 3,
    temperature: 0.8,
    topK: 20,
    topP: 0.9,
    minP: 0.05,
    typicalP: 0.9,
  },
  ...{
    numBeams: 2,
    numReturnSequences: 2,
    lengthPenalty: 1,
    noRepeatNgramSize: 2,
    badWordsIds: [[5, 6]],
    stopStrings: ["the", "。"],
  },
  ...{
    repetitionPenalty: 1.2,
    logprobs: 2,
    outputScores: true,
    eosTokenId: [1],
    padTokenId: 0,
    logitBias: { 5: 1.5 },
    maxTime: 10,
  },
  ...{
    dry: { multiplier: 0.5 },
    xtc: { probability: 0.5 },
    mirostat: { tau: 3 },
    suppressTokens: [7],
    promptLookupNumTokens: 2,
  },
};

const inputs = [
  {
    inputIds: [
      [1, 5, 3],
      [4, 4, 2],
    ],
  },
  { inputIds: [[1, 5]], attentionMask: [[1, 1]] },
];
const prompts = ["Once upon a time", "むかしむかし", "", [{ role: "user", content: "Hi" }], "a ".repeat(500)];

/** @type {import("./index.mjs").Target} */
export const calls = {
  async run({ random, shared, tsumugi }) {
    shared.model ??= tsumugi.AutoModelForCausalLM.fromPretrained("tsumugi-mini", {
      threads: 1,
      contextTokens: 64,
      maxBatchSize: 4,
    });
    const model = await shared.model;
    const chosen = Object.fromEntries(Object.entries(options).filter(() => random.chance(0.15)));
    const valid = { maxNewTokens: 4, ...chosen };
    const own = random.chance(0.6) ? withNumbers(mutateJson(valid, random)) : valid;
    const prompt = random.chance(0.3) ? withNumbers(mutateJson(random.pick(prompts), random)) : random.pick(prompts);
    switch (random.below(4)) {
      case 0:
        return model.generate(prompt, forText(own, random));
      case 1:
        return model.generate({ ...withNumbers(mutateJson(random.pick(inputs), random)), ...own });
      case 2:
        for await (const piece of model.stream(prompt, forText(own, random))) if (piece === undefined) return;
        return;
      default: {
        shared.pipe ??= tsumugi.pipeline("text-generation", {
          model: "tsumugi-mini",
          threads: 1,
          contextTokens: 64,
          maxBatchSize: 4,
        });
        return (await shared.pipe)(random.chance(0.3) ? [prompt, "two"] : prompt, own);
      }
    }
  },
};

/** Mostly without the options that calls for one text refuse. */
function forText(own, random) {
  if (typeof own !== "object" || own === null || random.chance(0.1)) return own;
  const { logprobs, outputScores, numReturnSequences, numBeams, ...rest } = own;
  return rest;
}
