export type { ChatMessage, ChatTemplateOptions, Conversations, RenderedChat } from "../tokenizer/index.ts";
export { applyChatTemplate } from "./apply-chat-template.ts";
export * from "./prompts/index.ts";
export { type RenderChatTemplateOptions, renderChatTemplate } from "./render-chat-template.ts";
