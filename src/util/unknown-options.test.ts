import { expect, test } from "vitest";
import { listed, refuseUnknown } from "./unknown-options.ts";

const known = ["maxNewTokens", "topP", "dtype", "device"];

test.each([
  [{ max_new_tokens: 1 }, "Unknown option `max_new_tokens`: its name here is `maxNewTokens`."],
  [{ maxTokens: 1 }, "Unknown option `maxTokens`: its name here is `maxNewTokens`."],
  [{ torch_dtype: 1 }, "Unknown option `torch_dtype`: its name here is `dtype`."],
  [{ deviceMap: 1 }, "Unknown option `deviceMap`: its name here is `device`."],
  [{ topp: 1 }, "Unknown option `topp` (did you mean `topP`?)."],
  [{ quite: 1 }, "Unknown option `quite`."],
  [{ toString: 1 }, "Unknown option `toString`."],
  [{ constructor: 1 }, "Unknown option `constructor`."],
  [{ ["x".repeat(3_000_000)]: 1 }, `Unknown option \`${"x".repeat(100)}…\`.`],
])("refuseUnknown refuses %.60j with a hint", (options, message) => {
  expect(() => refuseUnknown(options, known)).toThrow(message);
});

test("refuseUnknown gives the reason of an option that is not supported", () => {
  expect(() => refuseUnknown({ load_in_4bit: true }, known, { loadIn4bit: "not yet" })).toThrow(
    "Option `load_in_4bit` is not supported: not yet.",
  );
});

test("refuseUnknown lets undefined pass, as an option and as the options", () => {
  expect(() => refuseUnknown({ other: undefined }, known)).not.toThrow();
  expect(() => refuseUnknown(undefined, known)).not.toThrow();
});

test("refuseUnknown lists the options where no name is near", () => {
  expect(() => refuseUnknown({ quite: 1 }, ["a", "b"], {}, listed(["a", "b"]))).toThrow(
    "Unknown option `quite`; options are `a`, `b`.",
  );
});
