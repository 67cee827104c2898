import { describe, expect, test } from "vitest";
import { fakeModel } from "../../../test/helpers/fake-session.ts";
import { resolveSettings } from "../resolve-settings.ts";
import { checkSearch } from "./check-search.ts";

const model = fakeModel({ vocabularySize: 61 });
const check = (options: object, context: object = {}) =>
  checkSearch(resolveSettings(options, {}, {}), { model, maxSequences: 4, ...context });

describe("checkSearch", () => {
  test.each([
    [{ numBeams: 5 }, {}, "5 beams at once"],
    [{ penaltyAlpha: 0.6, topK: 5 }, {}, "5 candidates (`topK`) at once"],
    [{ numBeams: 2, forceWordsIds: [[61]] }, {}, "made of token ids from 0 to 60"],
    [{ numBeams: 2, forceWordsIds: [[5]] }, { stoppingCriteria: [() => true] }, "end tokens only"],
  ])("refuses %j", (options, context, message) => {
    expect(() => check(options, context)).toThrow(message);
  });

  test("lets pass what fits, and what is no search", () => {
    check({ numBeams: 4, forceWordsIds: [[60]] });
    check({ numBeams: 4 }, { stoppingCriteria: [() => true] });
    check({ doSample: true, numReturnSequences: 9 });
  });
});
