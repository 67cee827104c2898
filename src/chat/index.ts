export { applyChatTemplate } from "./apply-chat-template.ts";
export { type RenderChatTemplateOptions, renderChatTemplate } from "./render-chat-template.ts";
