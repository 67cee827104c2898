import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";
import type { ChatMessage } from "../generate/index.ts";

/** What the user can say to the command itself. */
const commands = { "/help": "lists these", "/reset": "forgets", "/exit": "leaves" } as const;

/** All of them in a line, for help texts. */
export const chatHelp = `${Object.entries(commands)
  .map((pair) => pair.join(" "))
  .join(", ")}, Ctrl-C stops a reply or clears the line`;

const prompt = "> ";

/** Where a conversation takes place, and who answers. */
export interface ConversationOptions {
  input: Readable;
  output: Writable;
  /** Lines are edited, and "> " stands in front of each. */
  isTerminal: boolean;
  /** Messages before the first line, and again after /reset. */
  start: readonly ChatMessage[];
  /** Answers the last message and gives the conversation with the answer. What it throws ends the conversation. */
  answer(messages: readonly ChatMessage[], signal: AbortSignal): Promise<readonly ChatMessage[]>;
}

/**
 * Reads lines and answers them until the input ends or the user leaves. Ctrl-C stops a reply; on a line it clears it, and on an
 * empty line the second one leaves.
 */
export async function converse({ input, output, isTerminal, start, answer }: ConversationOptions): Promise<void> {
  const lines = createInterface({ input, ...(isTerminal && { output, terminal: true }), prompt });
  let reply: AbortController | undefined;
  const onInterrupt = interruptHandler(lines, output, () => reply);
  lines.on("SIGINT", onInterrupt);
  process.on("SIGINT", onInterrupt);
  try {
    if (isTerminal) output.write(styleText("dim", `${chatHelp}\n`));
    let messages = start;
    for await (const line of promptedLines(lines, isTerminal)) {
      const content = line.trim();
      if (content === "") continue;
      // a message that begins with a slash may have a space in front of it
      const command = /^\/\w*(?=\s|$)/.exec(line)?.[0];
      if (command === "/exit" || command === "/quit") return;
      if (command !== undefined) {
        if (command === "/reset") messages = start;
        output.write(`${replyTo(command)}\n`);
        continue;
      }
      reply = new AbortController();
      messages = await answer([...messages, { role: "user", content }], reply.signal);
      reply = undefined;
    }
  } finally {
    process.off("SIGINT", onInterrupt);
    lines.close();
  }
}

function replyTo(command: string): string {
  if (command === "/reset") return "(forgotten)";
  if (command === "/help") return chatHelp;
  return `(no command is called ${command}: ${chatHelp}; a message may begin with a space)`;
}

/** What Ctrl-C does: see `converse`. */
function interruptHandler(lines: Interface, output: Writable, reply: () => AbortController | undefined): () => void {
  let leavesNext = false;
  lines.on("line", () => {
    leavesNext = false;
  });
  return () => {
    const current = reply();
    if (current) {
      current.abort();
      return;
    }
    const isEmpty = lines.line === "";
    if (isEmpty && leavesNext) {
      output.write("\n");
      lines.close();
      return;
    }
    leavesNext = true;
    if (!isEmpty) {
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
      return;
    }
    output.write("\n(Ctrl-C again, Ctrl-D or /exit leaves)\n");
    lines.prompt();
  };
}

/** Gives lines as they are typed or piped. */
async function* promptedLines(lines: Interface, isTerminal: boolean): AsyncGenerator<string> {
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    yield line;
    if (isTerminal) lines.prompt();
  }
}
