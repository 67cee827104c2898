import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { readGenerationConfig } from "./read-generation-config.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

describe("readGenerationConfig", () => {
  test("takes generation_config.json and leaves config.json alone", () => {
    const file = { eos_token_id: [2, 3], top_k: 20, do_sample: true, transformers_version: "5", _from_model_config: true };
    expect(readGenerationConfig(file, { eos_token_id: 9, pad_token_id: 1 })).toEqual({
      eosTokenId: [2, 3],
      topK: 20,
      doSample: true,
    });
    expect(warnings).toEqual([]);
  });

  test("without it, the legacy keys of config.json; max_length 20 is the old default and means nothing", () => {
    expect(readGenerationConfig(undefined, { eos_token_id: 9, max_length: 20, hidden_size: 8 })).toEqual({ eosTokenId: 9 });
    const multimodal = { eos_token_id: 9, pad_token_id: null, text_config: { eos_token_id: 2, pad_token_id: 3 } };
    expect(readGenerationConfig(undefined, multimodal)).toEqual({ eosTokenId: 9, padTokenId: 3 });
    expect(readGenerationConfig({ bos_token_id: 1 }, multimodal)).toEqual({ bosTokenId: 1 });
  });

  test("names what it cannot honour, once", () => {
    readGenerationConfig({ token_healing: true, use_mtp: true, early_stopping: false }, {});
    readGenerationConfig({ token_healing: true, use_mtp: true, early_stopping: false }, {});
    expect(warnings).toEqual([
      "The model's generation_config.json sets use_mtp, token_healing, which is not supported yet and has no effect.",
    ]);
  });
});
