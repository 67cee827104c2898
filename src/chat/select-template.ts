import { TsumugiError } from "../errors.ts";
import type { ChatTemplates } from "../tokenizer/index.ts";

/**
 * The template to render: `requested` (a name among `templates`, or a template itself), else `tool_use` when there are tools
 * and it exists, else `default` or the only one. Errors: `missing_chat_template`.
 */
export function selectTemplate(templates: ChatTemplates, requested: string | undefined, withTools: boolean): string {
  if (typeof templates === "object") {
    if (requested !== undefined) return (Object.hasOwn(templates, requested) ? templates[requested] : undefined) ?? requested;
    const found = (withTools ? templates.tool_use : undefined) ?? templates.default;
    if (found !== undefined) return found;
    const names = Object.keys(templates).sort().join(", ");
    throw new TsumugiError("missing_chat_template", {
      reason: `the tokenizer has several and none is the default; name one with \`chatTemplate\`: ${names}`,
    });
  }
  const template = requested ?? templates;
  if (template !== undefined) return template;
  throw new TsumugiError("missing_chat_template", {
    reason:
      "the tokenizer's files have none, and no `chatTemplate` was given. Give the model a text in place of messages, or set `tokenizer.chatTemplate` to the template that it was trained with",
  });
}
