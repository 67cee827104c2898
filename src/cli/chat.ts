import type { Command } from "commander";
import { TsumugiError } from "../errors.ts";
import type { ChatMessage } from "../generate/index.ts";
import { chatHelp, converse } from "./conversation.ts";
import { addGenerationOptions, type GenerationFlags, toGenerateOptions } from "./generation-options.ts";
import { type Loaded, loadModel } from "./load.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { writePieces } from "./write-pieces.ts";

interface ChatFlags extends ModelFlags, GenerationFlags {
  system?: string;
  /** True when nobody asked for a length. Replies then end where the model's context does. */
  limitByContext?: boolean;
}

/** `tsumugi chat`: a conversation in the terminal. */
export function addChatCommand(program: Command): void {
  const command = program.command("chat").description(`talk with a model; ${chatHelp}`);
  addGenerationOptions(addModelOptions(command), { maxNewTokens: 512 })
    .option("-s, --system <text>", "system prompt")
    .action((flags: ChatFlags) => {
      const asked = command.getOptionValueSource("maxNewTokens") !== "default";
      return chat({ ...flags, limitByContext: !asked });
    });
}

async function chat(flags: ChatFlags): Promise<void> {
  const loaded = await loadModel(flags);
  const isTerminal = process.stdin.isTTY;
  const start: ChatMessage[] = flags.system === undefined ? [] : [{ role: "system", content: flags.system }];
  try {
    await converse({
      input: process.stdin,
      output: process.stdout,
      isTerminal,
      start,
      async answer(messages, signal) {
        try {
          return await answer(loaded, messages, flags, signal);
        } catch (error) {
          // The conversation goes on: /reset mends a prompt that is too long, for example. Nothing mends a missing template.
          if (!TsumugiError.isInstance(error) || error.code === "missing_chat_template") throw error;
          process.stderr.write(`tsumugi: ${error.message}\n`);
          if (!isTerminal) process.exitCode = 1;
          return messages.slice(0, -1);
        }
      },
    });
  } finally {
    await loaded.model.dispose();
  }
}

/** Streams the reply and returns the conversation with it. A reply that was stopped stays as far as it came. */
async function answer(
  loaded: Loaded,
  messages: readonly ChatMessage[],
  flags: ChatFlags,
  signal: AbortSignal,
): Promise<ChatMessage[]> {
  const { model, tokenizer } = loaded;
  const inputIds = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, returnDict: false });
  const room = model.maxPositions - inputIds.length;
  const maxNewTokens = flags.limitByContext && room > 0 ? Math.min(room, flags.maxNewTokens ?? room) : flags.maxNewTokens;
  const stream = model.stream({ inputIds, tokenizer, signal, ...toGenerateOptions({ ...flags, maxNewTokens }) });
  let content = "";
  await writePieces(stream, (text) => {
    content += text;
    process.stdout.write(text);
  });
  process.stdout.write("\n");
  return [...messages, { role: "assistant", content: content.trimEnd() }];
}
