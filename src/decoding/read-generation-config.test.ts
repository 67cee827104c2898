import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { readLegacySettings, readModelSettings } from "./read-generation-config.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

describe("readModelSettings", () => {
  test("takes generation_config.json and leaves config.json alone", () => {
    const file = { eos_token_id: [2, 3], top_k: 20, do_sample: true, transformers_version: "5", _from_model_config: true };
    expect(readModelSettings(file, { eos_token_id: 9, pad_token_id: 1 })).toEqual({
      generationConfig: { eosTokenId: [2, 3], topK: 20, doSample: true },
      file: "generation_config.json",
    });
    expect(warnings).toEqual([]);
  });

  test("a length of 20 is a length, whatever file has it; null is unset", () => {
    expect(readModelSettings({ max_length: 20, temperature: null }, {}).generationConfig).toEqual({ maxLength: 20 });
    expect(readModelSettings(undefined, { max_length: 20 }).generationConfig).toEqual({ maxLength: 20 });
  });

  test("without it, the legacy keys of config.json, then those of its decoder", () => {
    expect(readModelSettings(undefined, { eos_token_id: 9, hidden_size: 8 })).toEqual({
      generationConfig: { eosTokenId: 9 },
      file: "config.json",
    });
    const multimodal = { eos_token_id: 9, pad_token_id: null, text_config: { eos_token_id: 2, pad_token_id: 3 } };
    expect(readLegacySettings(multimodal)).toEqual({ eosTokenId: 9, padTokenId: 3 });
    expect(readLegacySettings({ decoder: { eos_token_id: 4 } })).toEqual({ eosTokenId: 4 });
    expect(readModelSettings({ bos_token_id: 1 }, multimodal).generationConfig).toEqual({ bosTokenId: 1 });
    expect(warnings).toEqual([]);
  });

  test("names what it cannot honour, once", () => {
    readModelSettings({ token_healing: true, use_mtp: true, early_stopping: false }, {});
    readModelSettings({ token_healing: true, use_mtp: true, early_stopping: false }, {});
    expect(warnings).toEqual([
      "The model's generation_config.json sets use_mtp, token_healing, which is not supported yet and has no effect.",
    ]);
  });

  test("names what it does not know, a bounded list, once", () => {
    const file = { chat_format: "chatml", max_window_size: 6144, top_k: 5 };
    readModelSettings(file, {});
    readModelSettings(file, {});
    expect(warnings).toEqual([
      "The model's generation_config.json has fields that are not known and have no effect: chat_format, max_window_size.",
    ]);
    readModelSettings(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${"x".repeat(300)}${index}`, 1])), {});
    expect(warnings[1]).toContain(", and 490 more.");
    expect(warnings[1]!.length).toBeLessThan(1000);
  });

  test.each([
    [{ streamer: 1 }, "The model's generation_config.json: `streamer` must be left out: it belongs to a call. Given: 1."],
    [{ logits_processor: [] }, "`logits_processor` must be left out"],
    [{ max_new_tokens: "8" }, '`max_new_tokens` must be a whole number of at least 1. Given: "8".'],
    [{ max_new_tokens: 0 }, "`max_new_tokens` must be a whole number of at least 1. Given: 0."],
  ])("refuses %j, which transformers does not load", (file, message) => {
    expect(() => readModelSettings(file, {})).toThrow(message);
  });
});
