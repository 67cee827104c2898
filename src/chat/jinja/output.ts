import { escaped } from "./escape.ts";
import { textFrom } from "./repr.ts";
import type { Evaluate, Run, Scope } from "./scope.ts";

/** Writes texts and values. */
export function output(items: readonly (string | Evaluate)[]): Run {
  return (scope) => {
    const { runtime } = scope;
    for (const item of items) {
      if (typeof item === "string") {
        runtime.budget.text(item.length);
        runtime.out += item;
        continue;
      }
      const value = item(scope);
      const text = runtime.autoescape ? escaped(runtime, value).text : textFrom(runtime, value);
      runtime.budget.text(text.length);
      runtime.out += text;
    }
    return 0;
  };
}

/** The text that `run` writes. */
export function captured({ runtime }: Scope, run: () => void): string {
  const before = runtime.out;
  runtime.out = "";
  run();
  const text = runtime.out;
  runtime.out = before;
  return text;
}
