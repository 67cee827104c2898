import { expect, it } from "vitest";
import { buildModel } from "../load.ts";

const sizes = { d_model: 12, d_kv: 4, d_ff: 20, num_layers: 1, num_heads: 3, vocab_size: 30 };

it.each(["t5", "mt5"])(
  "%s shares its embedding where config.json says nothing of it, as the first releases do",
  (model_type) => {
    const config = { ...sizes, model_type };
    expect(buildModel(config)).toEqual(buildModel({ ...config, tie_word_embeddings: true }));
  },
);

it("a farthest distance within those that have buckets of their own is refused", () => {
  const buckets = { relative_attention_num_buckets: 32, relative_attention_max_distance: 16 };
  expect(() => buildModel({ ...sizes, model_type: "t5", ...buckets })).toThrow("relative_attention_max_distance");
});
