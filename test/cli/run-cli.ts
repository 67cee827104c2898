import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built `tsumugi` in a process of its own, away from the network. */
export function runCli(
  args: readonly string[],
  options: {
    input?: string;
    env?: NodeJS.ProcessEnv;
    onStdout?: (all: string, interrupt: () => void) => void;
    /** Close the reading end of standard output, as `| head` does. */
    closeStdout?: boolean;
  } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, HF_HUB_OFFLINE: "1", ...options.env } });
  let stdout = "";
  let stderr = "";
  // Once: a second Ctrl-C ends the process the hard way.
  let interrupted = false;
  const interrupt = (): void => {
    if (!interrupted) child.kill("SIGINT");
    interrupted = true;
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    options.onStdout?.(stdout, interrupt);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  if (options.closeStdout) child.stdout.destroy();
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
