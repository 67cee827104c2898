/** Who speaks in a conversation. Templates say which roles they know; any other name may be theirs. */
export type ChatRole = "system" | "user" | "assistant" | "tool" | "developer" | "function" | (string & {});

/** One message of a conversation. `content` is text or parts; templates may read any other field. */
export interface ChatMessage {
  role: ChatRole;
  content?: unknown;
  [field: string]: unknown;
}

/** A message whose content is text, as this library makes them. */
export interface TextMessage extends ChatMessage {
  content: string;
}

/** A message as it is given: a `ChatMessage`, or of an interface of your own. */
export type ChatInput = ChatMessage | { role: ChatRole; content?: unknown };
