import { expect, test } from "vitest";
import { checkGroups } from "./check-groups.ts";
import type { SamplingGroup } from "./group.ts";
import { torchStream } from "./rng.ts";

const good: SamplingGroup = { rows: [0, 2], steps: [[], []], pick: "argmax", count: 1 };
const check = (changes: Partial<SamplingGroup>) => () => checkGroups([good, { ...good, ...changes }], 3, 10);

test("checkGroups takes what a backend can do", () => {
  check({})();
  check({ pick: "draw", count: 20, stream: torchStream(1), offset: 40, bias: [0, 1], logprobs: 0 })();
  check({ pick: "score", count: 2, target: [0, 9] })();
  check({ rows: [0], steps: [[{ kind: "guide", scale: 2 }]], guides: [1] })();
});

test.each<[string, Partial<SamplingGroup>, string]>([
  ["no rows", { rows: [], steps: [] }, "Rows of a sampling group must be at least one"],
  ["a row that is not there", { rows: [0, 3] }, "A row must be 0 to 2. Given: 3."],
  ["a guide that is not there", { guides: [0, -1] }, "A row must be 0 to 2. Given: -1."],
  ["steps for other rows", { steps: [[]] }, "Lists of steps of a sampling group must be 2. Given: 1."],
  ["biases for other rows", { bias: [1] }, "Biases of a sampling group must be 2"],
  ["guides for other rows", { guides: [1] }, "Guides of a sampling group must be 2"],
  ["guidance without guides", { steps: [[], [{ kind: "guide", scale: 2 }]] }, "`guides`"],
  ["a draw without a stream", { pick: "draw" }, "`stream`"],
  ["too many picks", { pick: "top", count: 21 }, "`count` of a sampling group must be 1 to 20. Given: 21."],
  ["no picks", { pick: "top", count: 0 }, "1 to 20"],
  ["several picks of argmax", { count: 2 }, "`count` of a sampling group must be 1. Given: 2."],
  ["scores without targets", { pick: "score", count: 2 }, "Targets of a sampling group must be 2. Given: 0."],
  ["a target that is no token", { pick: "score", count: 2, target: [1, 10] }, "A target must be 0 to 9. Given: 10."],
  ["half a log probability", { logprobs: 0.5 }, "`logprobs` of a sampling group"],
  ["a report of no token", { report: 0 }, "`report` of a sampling group"],
])("checkGroups refuses %s", (_, changes, message) => {
  expect(check(changes)).toThrow(message);
});
