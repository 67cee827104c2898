import { renderTemplate } from "../../src/chat/render-template.ts";
import { TsumugiError } from "../../src/errors.ts";

/** What tools/golden/jinja.py writes: each template with its text, or null where Python raises. */
export interface JinjaGolden {
  variables: Record<string, unknown>;
  cases: [template: string, text: string | null][];
}

/** Templates that give another text, an error of another side, or an error without a code. */
export function differencesOf({ variables, cases }: JinjaGolden): { template: string; expected: string | null; got: string }[] {
  return cases.flatMap(([template, expected]) => {
    let got: string;
    try {
      got = renderTemplate(template, variables);
      if (got === expected) return [];
    } catch (error) {
      if (TsumugiError.isInstance(error) && expected === null) return [];
      got = String(error);
    }
    return [{ template, expected, got }];
  });
}
