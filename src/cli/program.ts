import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { TsumugiError } from "../errors.ts";
import * as commands from "./commands.ts";

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Codes of errors that say the command line itself was wrong. */
const usageErrors: ReadonlySet<string> = new Set([
  "unknown_option",
  "unsupported_option",
  "invalid_option",
  "conflicting_options",
]);

/**
 * Runs the command line and returns its exit code; it never throws.
 *
 * @param args what stands after `tsumugi`
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    process.stderr.write(`${describe(error)}\n`);
    return TsumugiError.isInstance(error) && usageErrors.has(error.code) ? exitCodes.usage : exitCodes.failed;
  }
}

function createProgram(): Command {
  const program = new Command("tsumugi")
    .description("LLM text generation: Hugging Face checkpoints straight into Node")
    .version(packageVersion(), "-v, --version")
    .showHelpAfterError("(add --help for the options)")
    .exitOverride();
  program.configureOutput({ writeErr: (text) => process.stderr.write(text) });
  for (const add of Object.values(commands)) add(program);
  return program;
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function describe(error: unknown): string {
  if (TsumugiError.isInstance(error)) return `tsumugi: ${error.message}`;
  if (error instanceof Error) return process.env.TSUMUGI_DEBUG ? (error.stack ?? String(error)) : `tsumugi: ${error.message}`;
  return `tsumugi: ${String(error)}`;
}
