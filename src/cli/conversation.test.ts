import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { ChatMessage } from "../generate/index.ts";
import { converse } from "./conversation.ts";

const interrupt = "\x03";

/** A conversation at a terminal that echoes: what is typed, what is shown, and what was asked. */
function atTerminal(answer?: (asked: string, signal: AbortSignal) => Promise<string>) {
  const input = new PassThrough();
  const output = new PassThrough();
  const asked: string[] = [];
  let shown = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const ended = converse({
    input,
    output,
    isTerminal: true,
    start: [],
    async answer(messages: readonly ChatMessage[], signal) {
      asked.push(messages.map(({ content }) => content).join("|"));
      const content = (await answer?.(String(messages.at(-1)?.content), signal)) ?? "yes";
      return [...messages, { role: "assistant", content }];
    },
  });
  const type = async (text: string): Promise<void> => {
    input.write(text);
    for (let i = 0; i < 20; i++) await turn();
  };
  return { type, ended, asked, shown: () => shown };
}

it("clears the line at Ctrl-C, and leaves at the second one", async () => {
  const { type, ended, asked } = atTerminal();
  await type(`not sent${interrupt}sent\r`);
  expect(asked).toEqual(["sent"]);
  await type(`half a line${interrupt}${interrupt}`);
  await ended;
  expect(asked).toEqual(["sent"]);
});

it("says at Ctrl-C on an empty line how to leave, once", async () => {
  const { type, ended, shown, asked } = atTerminal();
  await type(interrupt);
  expect(shown()).toContain("Ctrl-C again, Ctrl-D or /exit leaves");
  await type("still here\r");
  await type(interrupt);
  expect(asked).toEqual(["still here"]);
  await type(interrupt);
  await ended;
});

it("stops a reply at Ctrl-C and goes on", async () => {
  const { type, ended, asked } = atTerminal(
    (_, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("stopped"))),
  );
  await type("first\r");
  await type(interrupt);
  await type("second\r");
  expect(asked).toEqual(["first", "first|stopped|second"]);
  await type(interrupt);
  await type("/exit\r");
  await ended;
});

it("answers commands itself, unknown ones with the list", async () => {
  const { type, ended, asked, shown } = atTerminal();
  await type("/help\r");
  await type("/forget everything\r");
  expect(shown()).toContain("no command is called /forget: /help lists these, /reset forgets, /exit leaves");
  await type("one\r");
  await type("/reset\r");
  await type(" /etc is a folder\r");
  await type("/usr/bin too\r");
  expect(asked).toEqual(["one", "/etc is a folder", "/etc is a folder|yes|/usr/bin too"]);
  await type("/quit\r");
  await ended;
});
