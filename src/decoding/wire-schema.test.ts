import { expect, test } from "vitest";
import { snakeCase } from "../util/letter-case.ts";
import { parseOption } from "../util/schemas.ts";
import { workingFields } from "./generation-fields.ts";
import { wireSchema } from "./wire-schema.ts";

const { properties, ...schema } = wireSchema();

test("the wire takes every option that a file may hold, in snake_case, and nothing else", () => {
  expect(schema).toEqual({ type: "object", additionalProperties: false });
  const expected = workingFields.filter(({ callOnly }) => !callOnly).map(({ name }) => snakeCase(name));
  expect(Object.keys(properties).sort()).toEqual(expected.sort());
  expect(properties).not.toHaveProperty("logits_processor");
  expect(properties).not.toHaveProperty("prefix_allowed_tokens_fn");
});

test("a number has its bounds, default and description; null switches it off", () => {
  expect(properties.top_p).toEqual({
    anyOf: [{ type: "number", minimum: 0, maximum: 1 }, { type: "null" }],
    default: 1,
    description: "Samples from the most likely tokens whose probabilities reach p.",
  });
  expect(properties.top_k).toMatchObject({ anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }], default: 50 });
  expect(properties.epsilon_cutoff).toMatchObject({ anyOf: [{ minimum: 0, exclusiveMaximum: 1 }, {}] });
});

test("one or many are alternatives", () => {
  expect(properties.stop_strings).toMatchObject({
    anyOf: [{ type: "string", minLength: 1 }, { type: "array", items: { type: "string", minLength: 1 } }, { type: "null" }],
  });
});

test("objects have their fields in snake_case, which the option takes", () => {
  const [dry] = properties.dry!.anyOf as { type: string; properties: Record<string, unknown>; additionalProperties: boolean }[];
  expect(dry).toMatchObject({ type: "object", additionalProperties: false });
  expect(Object.keys(dry!.properties)).toEqual(["multiplier", "base", "allowed_length", "penalty_last_n", "sequence_breakers"]);
  const definition = workingFields.find(({ name }) => name === "dry")!;
  expect(parseOption(definition.schema, { multiplier: 1, penalty_last_n: 5, base: null }, "dry")).toEqual({
    multiplier: 1,
    base: 1.75,
    allowedLength: 2,
    penaltyLastN: 5,
    sequenceBreakers: ["\n", ":", '"', "*"],
  });
});

test("no option of the wire is without a type", () => {
  for (const [name, { anyOf }] of Object.entries(properties)) {
    for (const alternative of anyOf as Record<string, unknown>[]) {
      expect("type" in alternative || "enum" in alternative || "const" in alternative, name).toBe(true);
    }
  }
});
