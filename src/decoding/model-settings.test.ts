import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { ownSetting } from "./model-settings.ts";
import { resolveSettings } from "./resolve-settings.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

const sampled = { doSample: true };
const resolve = (file: object, call: object = {}) => resolveSettings(call, {}, file, "generation_config.json");

describe("a model's own settings", () => {
  // what transformers 5.18 does with each of these was asked of it
  test.each([
    { topK: -1 },
    { topP: -0.5 },
    { topP: "0.9" },
    { temperature: 0 },
    { temperature: "0.7" },
    { minP: 2 },
    { topH: 1.5 },
    { typicalP: -0.3 },
    { xtc: "x" },
  ])("%j does no harm until something is sampled", (file) => {
    expect(() => resolve(file)).not.toThrow();
    expect(() => resolve({ ...file, doSample: true }, { doSample: false })).not.toThrow();
    if (file.temperature === 0) return; // the sampler refuses it
    expect(() => resolve(file, sampled)).toThrow("The model's generation_config.json: `");
    expect(() => resolve({ ...file, doSample: true })).toThrow("Correct the file, or set `");
  });

  test("a text is no number where greedy decoding compares", () => {
    expect(() => resolve({ topK: "50" })).toThrow(
      'The model\'s generation_config.json: `top_k` must be a whole number of at least 0. Given: "50".',
    );
  });

  test.each([
    [{ topP: 1.5 }, "topP"],
    [{ typicalP: 1.5 }, "typicalP"],
    [{ epsilonCutoff: -1 }, "epsilonCutoff"],
    [{ epsilonCutoff: 1 }, "epsilonCutoff"],
    [{ etaCutoff: 1.5 }, "etaCutoff"],
    [{ noRepeatNgramSize: -1 }, "noRepeatNgramSize"],
    [{ encoderNoRepeatNgramSize: -1 }, "encoderNoRepeatNgramSize"],
    [{ minLength: -1 }, "minLength"],
    [{ minNewTokens: -1 }, "minNewTokens"],
    [{ penaltyAlpha: -0.6 }, "penaltyAlpha"],
    [{ numReturnSequences: -1 }, "numReturnSequences"],
    [{ forcedBosTokenId: -1 }, "forcedBosTokenId"],
  ] as const)("%j in a file is off, and refused in a call", (file, name) => {
    const off = resolve({}, sampled)[name];
    expect(resolve(file, sampled)[name] ?? off).toBe(off);
    expect(() => resolve({}, { ...sampled, ...file })).toThrow(`\`${name}\` must be`);
  });

  test.each([
    [{ lengthPenalty: "1.0" }, { numBeams: 2 }],
    [{ numBeamGroups: -1 }, { numBeams: 2 }],
    [{ diversityPenalty: "x" }, { numBeams: 2 }],
    [{ penaltyAlpha: "x" }, undefined],
    [{ maxMatchingNgramSize: 0 }, { promptLookupNumTokens: 2 }],
    [{ maxLength: 0 }, undefined],
  ])("%j is looked at only by the calls that read it", (file, reading: object = {}) => {
    const idle = { maxNewTokens: 2, ...sampled };
    expect(() => resolve(file, idle)).not.toThrow();
    const error = thrown(() => resolve(file, reading));
    expect(error.code).toBe("generation_config_invalid");
    expect(error.details).toMatchObject({ file: "generation_config.json", option: Object.keys(file)[0] });
  });

  test("a wrong value gives way to the call's", () => {
    expect(resolve({ topK: -1, maxLength: "20" }, { ...sampled, topK: 5, maxLength: null })).toMatchObject({
      topK: 5,
      maxLength: null,
    });
  });

  test.each([
    { earlyStopping: "sometimes" },
    { repetitionPenalty: 0 },
    { numBeams: 0 },
    { eosTokenId: "2" },
    { padTokenId: [0] },
    { doSample: "true" },
    { badWordsIds: [] },
    { watermarkingConfig: "x" },
  ])("%j is refused by every call", (file) => {
    expect(thrown(() => resolve(file)).code).toBe("generation_config_invalid");
  });

  test("an assistant's settings are checked by the model that it drafts for", () => {
    expect(() => resolve({ numAssistantTokens: -1 })).not.toThrow();
    expect(() => ownSetting({ numAssistantTokens: -1 }, "numAssistantTokens", "config.json")).toThrow(
      "The model's config.json: `num_assistant_tokens` must be a whole number of at least 1. Given: -1.",
    );
    expect(ownSetting({ numAssistantTokens: 3 }, "numAssistantTokens", "config.json")).toBe(3);
  });
});

describe("−1 for a token", () => {
  test.each(["files", "calls"])("%s may write it for none", (place) => {
    const none = { eosTokenId: -1, padTokenId: -1, bosTokenId: -1 };
    const settings = place === "files" ? resolve(none) : resolve({}, none);
    expect(settings).toMatchObject({ eosTokenId: null, padTokenId: null, bosTokenId: null });
    expect(warnings).toEqual(["`eosTokenId: -1` is no token: only length and stop strings end an answer."]);
  });

  test("the others of a list stay", () => {
    expect(resolve({ eosTokenId: [-1, 2, -7, 3] }).eosTokenId).toEqual([2, 3]);
    expect(resolve({ eosTokenId: [] }).eosTokenId).toBe(null);
  });

  test("a forced token is never none", () => {
    expect(() => resolve({ forcedEosTokenId: -1 })).toThrow("`forced_eos_token_id` must be");
  });
});

function thrown(action: () => void): TsumugiError {
  try {
    action();
  } catch (error) {
    if (TsumugiError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
