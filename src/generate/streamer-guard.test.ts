import { expect, test } from "vitest";
import { guardStreamer } from "./streamer-guard.ts";

/** A streamer that writes down what it is told. */
function listener() {
  const told: unknown[] = [];
  return { told, put: (ids: unknown) => void told.push(ids), end: () => void told.push("end") };
}

test("a streamer that cannot fail is ended, if it has begun", () => {
  const idle = listener();
  guardStreamer(idle)!.fail(new Error("early"));
  expect(idle.told).toEqual([]);
  const begun = listener();
  const guarded = guardStreamer(begun)!;
  guarded.put([1]);
  guarded.fail(new Error("late"));
  expect(begun.told).toEqual([[1], "end"]);
});

test("a streamer that can fail is told the error, even before it has begun", () => {
  const streamer = { ...listener(), fail: (error: unknown) => void streamer.told.push(error) };
  const error = new Error("early");
  guardStreamer(streamer)!.fail(error);
  expect(streamer.told).toEqual([error]);
});

test("without a streamer there is nothing to guard", () => {
  expect(guardStreamer(undefined)).toBeUndefined();
});
