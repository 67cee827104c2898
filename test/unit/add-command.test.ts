import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it, vi } from "vitest";
import { scratchCopy } from "../helpers/scratch-copy.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a contributor would write: a command with an argument, an option and a result. */
const count = `import type { Command } from "commander";
import { AutoTokenizer } from "../generate/index.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";

/** \`tsumugi count <model> <text>\`: how many tokens a text has. */
export function addCountCommand(program: Command): void {
  const command = program
    .command("count")
    .description("count the tokens of a text")
    .argument("<model>", "Hub id or local folder")
    .argument("<text>", "the text");
  addHubOptions(command).action(async (model: string, text: string, flags: Omit<ModelFlags, "model">) => {
    const tokenizer = await AutoTokenizer.fromPretrained(model, flags);
    process.stdout.write(\`\${tokenizer(text).inputIds.length}\\n\`);
  });
}
`;

it("a command costs one file and one line: it stands in the help, runs, and refuses what it does not know", {
  timeout: 120_000,
}, async () => {
  const copy = scratchCopy("add-command");
  copy.write("package.json", readFileSync(join(root, "package.json"), "utf8"));
  copy.write("src/cli/count.ts", count);
  copy.append("src/cli/commands.ts", 'export { addCountCommand } from "./count.ts";\n');
  expect(copy.changes()).toEqual({ "src/cli/commands.ts": 1, "src/cli/count.ts": count.split("\n").length });

  let printed = "";
  const write = (text: string | Uint8Array) => {
    printed += text;
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write").mockImplementation(write));
  const url = pathToFileURL(join(copy.folder, "src/cli/program.ts")).href;
  const { runProgram }: typeof import("../../src/cli/program.ts") = await import(/* @vite-ignore */ url);
  const run = async (...args: string[]) => {
    printed = "";
    return { code: await runProgram(args), printed };
  };
  try {
    expect((await run("--help")).printed).toContain("count the tokens of a text");
    const model = join(root, "models/tsumugi-mini");
    const counted = await run("count", model, "Once upon a time");
    expect(counted.code).toBe(0);
    expect(Number(counted.printed)).toBeGreaterThan(1);
    const unknown = await run("count", model, "text", "--tokens");
    expect(unknown.code).toBe(2);
    expect(unknown.printed).toContain("--tokens");
  } finally {
    for (const spy of spies) spy.mockRestore();
  }

  // the types hold, too
  const settings = { extends: "../../../tsconfig.json", include: ["src/cli"] };
  writeFileSync(join(copy.folder, "tsconfig.json"), JSON.stringify(settings));
  const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  execFileSync(process.execPath, [compiler, "--noEmit", "-p", copy.folder], { encoding: "utf8" });
});
