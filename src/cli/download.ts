import type { Command } from "commander";
import { resolveModel } from "../generate/index.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";
import { createProgressReporter } from "./progress.ts";

/** `tsumugi download <id>`: brings a model into the cache and prints its folder. */
export function addDownloadCommand(program: Command): void {
  const command = program
    .command("download")
    .description("download a model into the cache that Python shares, and print its folder")
    .argument("<id>", "Hub id, e.g. Qwen/Qwen3-0.6B");
  addHubOptions(command).action(async (id: string, flags: Omit<ModelFlags, "model">) => {
    const reporter = createProgressReporter();
    const { directory } = await resolveModel(id, { ...flags, onProgress: reporter.download }).finally(reporter.close);
    process.stdout.write(`${directory}\n`);
  });
}
