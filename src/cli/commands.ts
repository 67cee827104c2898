/** The commands of `tsumugi`: one file each, and its line here. */
export { addChatCommand } from "./chat.ts";
export { addConvertCommand } from "./convert.ts";
export { addDownloadCommand } from "./download.ts";
export { addGenerateCommand } from "./generate.ts";
export { addInfoCommand } from "./info.ts";
export { addMemoryCommand } from "./memory.ts";
export { addQuantizeCommand } from "./quantize.ts";
