import type { Command } from "commander";
import { resolveLoadable } from "../generate/resolve-loadable.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";
import { createProgressReporter } from "./progress.ts";

/** `tsumugi download <id>`: brings a model into the cache and prints its folder. */
export function addDownloadCommand(program: Command): void {
  const command = program
    .command("download")
    .description("download a model into the cache that Python shares, and print its folder")
    .argument("<id>", "Hub id, e.g. Qwen/Qwen3-0.6B")
    .option("--force", "download again what is cached, without using any of it");
  addHubOptions(command).action(async (id: string, flags: Omit<ModelFlags, "model"> & { force?: boolean }) => {
    const { force: forceDownload, ...hub } = flags;
    const reporter = createProgressReporter();
    const options = { ...hub, forceDownload, onProgress: reporter.download };
    const { directory } = await resolveLoadable(id, options).finally(reporter.close);
    process.stdout.write(`${directory}\n`);
  });
}
