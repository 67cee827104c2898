import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeError, errorCodes, TsumugiError } from "./errors.ts";

const document = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");

describe("the error table", () => {
  it("stands in docs/errors.md, code by code, with the same HTTP status", () => {
    const documented = [...document.matchAll(/^\| `?(\w+)`? \| (\d{3}) \|/gm)].map(([, code, status]) => `${code} ${status}`);
    const defined = errorCodes.map((code) => `${code} ${describeError(code).status}`);
    expect(documented.toSorted()).toEqual(defined.toSorted());
  });

  it("fills templates from the details", () => {
    const error = new TsumugiError("invalid_option", { option: "topK", expected: "an integer", given: 1.5 });
    expect(error.message).toBe("Option `topK` must be an integer. Given: 1.5.");
    expect(error.status).toBe(400);
    const empty = new TsumugiError("invalid_input", { what: "The model", expected: "a folder", given: "" });
    expect(empty.message).toBe('The model must be a folder. Given: "".');
  });

  it.each([
    [{ given: "5" }, 'Given: "5".'],
    [{ given: 5 }, "Given: 5."],
    [{ given: Number.NaN }, "Given: NaN."],
    [{ given: null }, "Given: null."],
    [{ given: undefined, found: "nothing" }, "Given: nothing."],
    [{ found: "2 rows" }, "Given: 2 rows."],
  ])("shows the value of an option as it was given: %j", (details, shown) => {
    expect(new TsumugiError("invalid_option", { option: "x", expected: "y", ...details }).message).toContain(shown);
  });

  it("knows its own errors from another copy of the package, and no others", () => {
    expect(TsumugiError.isInstance(new TsumugiError("aborted"))).toBe(true);
    expect(TsumugiError.isInstance({ [Symbol.for("tsumugi.error")]: true })).toBe(true);
    expect(TsumugiError.isInstance(new Error("aborted"))).toBe(false);
    expect(TsumugiError.isInstance(undefined)).toBe(false);
  });

  it("shortens long values and survives those that JSON cannot show", () => {
    const long = new TsumugiError("invalid_input", { what: "x", expected: "short", given: Array(1000).fill(1) });
    expect(long.message.length).toBeLessThan(300);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(new TsumugiError("invalid_input", { what: "x", expected: "plain", given: circular }).message).toContain(
      '{"self":(itself again)}',
    );
  });
});
