import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { processorDefinitions } from "../sampling/index.ts";
import { camelCase, snakeCase } from "../util/letter-case.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { generationFieldNames, readGenerationConfig, resolveSettings } from "./generation-config.ts";
import { generationFields } from "./generation-fields.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

/** All that transformers 5.18's GenerationConfig takes, but what says where a file comes from. */
const transformersFields = `
  max_length max_new_tokens min_length min_new_tokens early_stopping max_time stop_strings do_sample num_beams use_mtp use_cache
  cache_implementation cache_config max_cache_len temperature top_k top_p min_p top_h typical_p epsilon_cutoff eta_cutoff
  repetition_penalty encoder_repetition_penalty length_penalty no_repeat_ngram_size bad_words_ids renormalize_logits
  forced_bos_token_id forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens
  begin_suppress_tokens sequence_bias token_healing guidance_scale watermarking_config num_return_sequences output_attentions
  output_hidden_states output_scores output_logits return_dict_in_generate pad_token_id bos_token_id eos_token_id
  encoder_no_repeat_ngram_size decoder_start_token_id is_assistant num_assistant_tokens num_assistant_tokens_schedule
  assistant_confidence_threshold prompt_lookup_num_tokens max_matching_ngram_size assistant_early_exit assistant_lookbehind
  target_lookbehind assistant_ensemble_weight speculation_type compile_config disable_compile continuous_batching_config
  low_memory penalty_alpha dola_layers diversity_penalty num_beam_groups constraints force_words_ids prefill_chunk_size`;

describe("fields", () => {
  test("all of transformers' are known", () => {
    const names = transformersFields.trim().split(/\s+/);
    expect(names.length).toBe(71);
    expect(names.filter((name) => !(camelCase(name) in generationFields))).toEqual([]);
  });

  test("every name survives the way to snake_case and back", () => {
    expect(generationFieldNames.length).toBeGreaterThan(60);
    for (const name of generationFieldNames) expect(camelCase(snakeCase(name))).toBe(name);
    expect(snakeCase("noRepeatNgramSize")).toBe("no_repeat_ngram_size");
  });

  test("every unsupported field is refused by name, unless its value changes nothing", () => {
    for (const [name, field] of Object.entries(generationFields)) {
      if (field.supported) continue;
      expect(() => resolveSettings({ [name]: "something" }, {}, {}), name).toThrow(`Option \`${name}\` is not supported: `);
      for (const off of [...field.off, null, undefined])
        expect(() => resolveSettings({ [name]: off }, {}, {}), name).not.toThrow();
    }
  });
});

test("docs/generation.md names every field", () => {
  const text = readFileSync(new URL("../../docs/generation.md", import.meta.url), "utf8");
  const names = [...Object.keys(generationFields), ...processorDefinitions.map(({ name }) => name)];
  expect(names.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
});

describe("resolveSettings", () => {
  test("defaults are transformers'", () => {
    expect(resolveSettings({}, {}, {})).toMatchObject({
      doSample: false,
      topK: 50,
      topP: 1,
      temperature: 1,
      numReturnSequences: 1,
    });
  });

  test("call, then generationConfig, then the model's, then the default", () => {
    const model = { topK: 1, topP: 0.1, temperature: 0.1, doSample: true };
    const settings = resolveSettings({ topK: 3 }, { topK: 2, topP: 0.2 }, model);
    expect(settings).toMatchObject({ topK: 3, topP: 0.2, temperature: 0.1, doSample: true, repetitionPenalty: 1 });
  });

  test("null switches a field off, undefined leaves it", () => {
    const model = { topK: 5, eosTokenId: 2, maxLength: 10 };
    const settings = resolveSettings({ topK: null, eosTokenId: null, maxLength: undefined }, {}, model);
    expect(settings).toMatchObject({ topK: null, eosTokenId: null, maxLength: 10 });
  });

  test("one end token becomes a list, one stop string too", () => {
    expect(resolveSettings({ eosTokenId: 2, stopStrings: "x" }, {}, {})).toMatchObject({ eosTokenId: [2], stopStrings: ["x"] });
  });

  test.each([
    [{ maxNewTokens: 0 }, "`maxNewTokens` must be a whole number of at least 1. Given: 0."],
    [{ maxNewTokens: 1.5 }, "Given: 1.5."],
    [{ temperature: -1 }, "`temperature` must be a number of at least 0. Given: -1."],
    [{ temperature: "hot" }, 'Given: "hot".'],
    [{ topP: 1.1 }, "`topP` must be a number from 0 to 1. Given: 1.1."],
    [{ topK: -1 }, "`topK` must be a whole number of at least 0. Given: -1."],
    [{ repetitionPenalty: 0 }, "`repetitionPenalty` must be a number above 0. Given: 0."],
    [{ eosTokenId: [1, -2] }, "`eosTokenId` must be a token id or a list of token ids."],
    [{ stopStrings: [""] }, "`stopStrings` must be a text or a list of texts, none of them empty."],
    [{ maxTime: 0 }, "`maxTime` must be a number of seconds above 0. Given: 0."],
    [{ doSample: 1 }, "`doSample` must be true or false. Given: 1."],
    [{ numReturnSequences: 2 }, "greedy decoding gives the same row every time"],
  ])("refuses %j", (options, message) => {
    expect(() => resolveSettings(options, {}, {})).toThrow(message);
  });

  test("warns once of sampling options without sampling, and only of the call's own", () => {
    resolveSettings({ topP: 0.9, temperature: 0.5 }, {}, {});
    resolveSettings({ topP: 0.9, temperature: 0.5 }, {}, {});
    expect(warnings).toEqual([
      "These options have an effect only with `doSample: true` and are ignored: `temperature`, `topP`.",
    ]);
    resolveSettings({ doSample: false }, {}, { topP: 0.8, doSample: true });
    expect(warnings).toHaveLength(1);
  });
});

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
