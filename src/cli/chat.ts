import { createInterface, type Interface } from "node:readline/promises";
import { styleText } from "node:util";
import type { Command } from "commander";
import { TsumugiError } from "../errors.ts";
import type { ChatMessage } from "../generate/index.ts";
import { addGenerationOptions, type GenerationFlags, toGenerateOptions } from "./generation-options.ts";
import { type Loaded, loadModel } from "./load.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";

const help = "/reset forgets, /exit leaves, Ctrl-C stops a reply";

interface ChatFlags extends ModelFlags, GenerationFlags {
  system?: string;
  /** True when nobody asked for a length. Replies then end where the model's context does. */
  limitByContext?: boolean;
}

/** `tsumugi chat`: a conversation in the terminal. */
export function addChatCommand(program: Command): void {
  const command = program.command("chat").description(`talk with a model; ${help}`);
  addGenerationOptions(addModelOptions(command), { maxNewTokens: 512 })
    .option("-s, --system <text>", "system prompt")
    .action((flags: ChatFlags) => {
      const asked = command.getOptionValueSource("maxNewTokens") !== "default";
      return chat({ ...flags, limitByContext: !asked });
    });
}

async function chat(flags: ChatFlags): Promise<void> {
  const loaded = await loadModel(flags);
  const terminal = createInterface({ input: process.stdin, output: process.stdin.isTTY ? process.stdout : undefined });
  try {
    if (process.stdin.isTTY) process.stdout.write(styleText("dim", `${help}\n`));
    await converse(loaded, terminal, flags);
  } finally {
    terminal.close();
    await loaded.model.dispose();
  }
}

async function converse(loaded: Loaded, terminal: Interface, flags: ChatFlags): Promise<void> {
  const start: ChatMessage[] = flags.system === undefined ? [] : [{ role: "system", content: flags.system }];
  let messages = start;
  let reply: AbortController | undefined;
  const onInterrupt = (): void => {
    if (reply) reply.abort();
    else process.stdout.write("\n(/exit or Ctrl-D leaves)\n> ");
  };
  terminal.on("SIGINT", onInterrupt);
  process.on("SIGINT", onInterrupt);
  try {
    for await (const line of linesOf(terminal)) {
      const content = line.trim();
      if (content === "/exit" || content === "/quit") return;
      if (content === "/reset") {
        messages = start;
        process.stdout.write("(forgotten)\n");
        continue;
      }
      if (content === "/help") process.stdout.write(`${help}\n`);
      if (content === "" || content === "/help") continue;
      reply = new AbortController();
      try {
        messages = await answer(loaded, [...messages, { role: "user", content }], flags, reply.signal);
      } catch (error) {
        // The conversation goes on: /reset mends a prompt that is too long, for example. Nothing mends a missing template.
        if (!TsumugiError.isInstance(error) || error.code === "missing_chat_template") throw error;
        process.stderr.write(`tsumugi: ${error.message}\n`);
        if (!process.stdin.isTTY) process.exitCode = 1;
      } finally {
        reply = undefined;
      }
    }
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** Streams the reply and returns the conversation with it. A reply that was stopped stays as far as it came. */
async function answer(loaded: Loaded, messages: ChatMessage[], flags: ChatFlags, signal: AbortSignal): Promise<ChatMessage[]> {
  const { model, tokenizer } = loaded;
  const inputIds = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, returnDict: false });
  const room = model.maxPositions - inputIds.length;
  const maxNewTokens = flags.limitByContext && room > 0 ? Math.min(room, flags.maxNewTokens ?? room) : flags.maxNewTokens;
  let content = "";
  for await (const piece of model.stream({ inputIds, tokenizer, signal, ...toGenerateOptions({ ...flags, maxNewTokens }) })) {
    content += piece;
    process.stdout.write(piece);
  }
  process.stdout.write("\n");
  return [...messages, { role: "assistant", content: content.trimEnd() }];
}

/** Gives lines as they are typed or piped. A terminal shows "> " in front of each. */
async function* linesOf(terminal: Interface): AsyncGenerator<string> {
  if (!process.stdin.isTTY) {
    yield* terminal;
    return;
  }
  while (true) {
    const line = await Promise.race([
      terminal.question("> "),
      new Promise<undefined>((resolve) => terminal.once("close", () => resolve(undefined))),
    ]);
    if (line === undefined) return;
    yield line;
  }
}
