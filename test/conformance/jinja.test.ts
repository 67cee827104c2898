/** The template engine against Jinja2 as transformers sets it up (test/fixtures/chat/jinja.json, made by tools/golden/jinja.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderTemplate } from "../../src/chat/render-template.ts";
import { TsumugiError } from "../../src/errors.ts";
import { differencesOf, type JinjaGolden } from "../helpers/jinja-golden.ts";

const golden = JSON.parse(readFileSync(new URL("../fixtures/chat/jinja.json", import.meta.url), "utf8")) as JinjaGolden;

test("every template gives Jinja2's text, or a coded error where Jinja2 raises", () => {
  expect(golden.cases.length).toBeGreaterThan(10_000);
  expect(differencesOf(golden).slice(0, 20)).toEqual([]);
});

test("an error of a template names its kind and line", () => {
  const failed = (template: string) => {
    try {
      return renderTemplate(template, {});
    } catch (error) {
      return TsumugiError.isInstance(error) ? error.message : "no coded error";
    }
  };
  const line = "line 2 of the template)";
  expect(failed("a\n{{ 'x' + 1 }}")).toBe(
    `The chat template failed: can only concatenate str (not "int") to str (TypeError, ${line}`,
  );
  expect(failed("a\n{{ nope.x }}")).toBe(`The chat template failed: 'nope' is undefined (UndefinedError, ${line}`);
  expect(failed("a\n{% foo %}")).toBe(`The chat template failed: Encountered unknown tag 'foo'. (TemplateSyntaxError, ${line}`);
  expect(failed("a\n{{ x | nofilter }}")).toContain("No filter named 'nofilter'.");
});
