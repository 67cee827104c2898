import { expect, test } from "vitest";
import { z } from "zod";
import { embedding, languageHead } from "../layers/index.ts";
import { count, withDefault } from "./config.ts";
import { defineArchitecture } from "./define.ts";

const fields = {
  vocab_size: count,
  width: count,
  max_position_embeddings: withDefault(count, 32),
  tie_word_embeddings: withDefault(z.boolean(), false),
};
const source = (facts?: () => object) =>
  defineArchitecture({
    modelType: "small",
    fields,
    ...(facts && { facts }),
    forward(config, { program, tiedTo }) {
      const { vocabSize: vocabulary, width } = config;
      const hidden = embedding(program, { module: "model.embed_tokens", vocabulary, width });
      return { hidden, logits: languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }) };
    },
  });

test("an architecture that says little has the names and facts of most others", () => {
  const architecture = source(() => ({ hiddenSize: 6 }));
  expect(architecture).toMatchObject({
    prefix: "model.",
    tie: { embedding: "model.embed_tokens", head: "lm_head" },
    olderNames: {},
    hasEncoder: false,
  });
  const model = architecture.build({ vocab_size: 8, width: 6 }, false);
  expect(model).toMatchObject({ vocabularySize: 8, hiddenSize: 6, maxPositions: 32, positionsAreBounded: false });
  expect(model.weights.map(({ name }) => name)).toEqual(["model.embed_tokens.weight", "lm_head.weight"]);
  const tied = architecture.build({ vocab_size: 8, width: 6 }, true);
  expect(tied.weights.map(({ name }) => name)).toEqual(["model.embed_tokens.weight"]);
});

test("an architecture whose config.json lacks a usual field and that does not say the fact itself fails to build", () => {
  expect(() => source().build({ vocab_size: 8, width: 6 }, false)).toThrow("small does not say its hiddenSize");
});
