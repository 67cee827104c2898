import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { resolveSettings } from "./resolve-settings.ts";

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  setWarningHandler((message) => warnings.push(message));
});
afterEach(() => setWarningHandler());

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
    [{ eosTokenId: [1, "2"] }, "`eosTokenId` must be a token id or a list of token ids."],
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

  test("more rows than can be asked for at once are refused", () => {
    const refused = () => resolveSettings({ doSample: true, numReturnSequences: 1_000_000 }, {}, {});
    expect(refused).toThrow("`numReturnSequences` must be a whole number from 1 to 10000. Given: 1000000.");
  });
});
