import { expect, test } from "vitest";
import { WatermarkDetector } from "./watermark-detector.ts";

const detector = new WatermarkDetector({ vocabularySize: 50 });

test.each(["x", undefined, [1, 2], [undefined], [["a", "b"]], [[1, -2]]])("%j is no list of rows", (rows) => {
  const message = expect.stringContaining("The rows to detect must be a list of rows of token ids");
  expect(() => detector.detect(rows as never)).toThrow(expect.objectContaining({ code: "invalid_input", message }));
});

test("rows in typed arrays are scored like lists", () => {
  const row = [1, 2, 3, 4, 5];
  expect(detector.detect([Int32Array.from(row)] as never)).toEqual(detector.detect([row]));
});
