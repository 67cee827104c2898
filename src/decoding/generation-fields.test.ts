import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { processorDefinitions } from "../sampling/index.ts";
import { camelCase, snakeCase } from "../util/letter-case.ts";
import { generationFieldNames, generationFields } from "./generation-fields.ts";
import { resolveSettings } from "./resolve-settings.ts";

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
