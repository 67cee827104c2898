import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { Markup, type Value } from "./values.ts";

const entities: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** HTML's special characters as entities. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => entities[character] as string);
}

/** `escape(value)`: its text, escaped, unless it is marked as safe. */
export function escaped(runtime: Runtime, value: Value): Markup {
  if (value instanceof Markup) return value;
  const text = textFrom(runtime, value);
  runtime.budget.text(text.length);
  const safe = escapeHtml(text);
  runtime.budget.text(safe.length);
  return new Markup(safe);
}
