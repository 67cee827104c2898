import { TsumugiError } from "../../errors.ts";
import type { ChatInput, TextMessage } from "../../tokenizer/index.ts";
import { refuseUnknownFields } from "./fields.ts";

/** Who the model speaks as. */
export interface Persona {
  /** The persona in a sentence or two: "You are a cat who works as a tour guide." */
  description: string;
  /** Rules of speech and conduct; each becomes a line with a dash. */
  rules?: readonly string[] | undefined;
  /** Turns that show how the persona talks. */
  examples?: readonly { user: string; assistant: string }[] | undefined;
}

/**
 * Writes the system prompt of a persona: its description, then its rules, one on each line.
 *
 * Errors: `invalid_input` for a persona without a description, or with rules or examples that are no such list;
 * `unknown_option` for other fields.
 *
 * @example
 * ```ts
 * const prompt = personaPrompt({ description: "You are a patient teacher.", rules: ["Answer in one sentence."] });
 * console.log(prompt); // You are a patient teacher.\n- Answer in one sentence.
 * ```
 */
export function personaPrompt(persona: Persona): string {
  if (typeof persona?.description !== "string" || persona.description === "")
    throw new TsumugiError("invalid_input", { what: "The persona", expected: "{ description } with text", given: persona });
  refuseUnknownFields(persona, ["description", "rules", "examples"], "The persona");
  const { rules, examples } = persona;
  if (rules !== undefined && !(Array.isArray(rules) && rules.every((rule) => typeof rule === "string")))
    throw new TsumugiError("invalid_input", { what: "`rules` of the persona", expected: "a list of texts", given: rules });
  if (examples !== undefined && !(Array.isArray(examples) && examples.every(isExample))) {
    const expected = "a list of { user, assistant } with texts";
    throw new TsumugiError("invalid_input", { what: "`examples` of the persona", expected, given: examples });
  }
  return [persona.description, ...(persona.rules ?? []).map((rule) => `- ${rule}`)].join("\n");
}

/**
 * Gives a conversation a persona. Its system prompt comes first (before the text of a system message that is there already),
 * then its example turns, then the conversation. The given messages are not changed.
 *
 * Errors: those of `personaPrompt`; `invalid_input` for messages that are no list, or a system message that is not text.
 *
 * @example
 * ```ts
 * const cat = { description: "あなたは猫です。", rules: ["語尾に「にゃ」を付ける"] };
 * withPersona(cat, [{ role: "user", content: "こんにちは" }]);
 * ```
 */
export function withPersona<Message extends ChatInput>(
  persona: Persona,
  messages: readonly Message[],
): (Message | TextMessage)[] {
  const prompt = personaPrompt(persona);
  if (!Array.isArray(messages) || messages.some((message) => typeof message !== "object" || message === null)) {
    const expected = "a list of { role, content }";
    throw new TsumugiError("invalid_input", { what: "The conversation", expected, given: messages });
  }
  const turns = (persona.examples ?? []).flatMap(({ user, assistant }) => [
    { role: "user", content: user },
    { role: "assistant", content: assistant },
  ]);
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: prompt }, ...turns, ...messages];
  if (typeof first.content !== "string")
    throw new TsumugiError("invalid_input", { what: "The system message", expected: "text", given: first.content });
  return [{ ...first, content: `${prompt}\n\n${first.content}` }, ...turns, ...rest];
}

function isExample(example: unknown): boolean {
  if (typeof example !== "object" || example === null) return false;
  const { user, assistant, ...others } = example as Record<string, unknown>;
  return typeof user === "string" && typeof assistant === "string" && Object.keys(others).length === 0;
}
