import type { Command } from "commander";
import { modelInformation } from "../generate/index.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";
import { createProgressReporter, megabytes } from "./progress.ts";

/** `tsumugi info <model>`: architecture, parameters, and the memory it takes at each dtype. */
export function addInfoCommand(program: Command): void {
  const command = program
    .command("info")
    .description("show a model's architecture, parameters and memory at each dtype")
    .argument("<model>", "Hub id or local folder")
    .option("--json", "print one JSON object");
  addHubOptions(command).action(async (model: string, flags: Omit<ModelFlags, "model"> & { json?: boolean }) => {
    const { json, ...hub } = flags;
    const reporter = createProgressReporter();
    const information = await modelInformation(model, { ...hub, onProgress: reporter.download }).finally(reporter.close);
    if (json) {
      process.stdout.write(`${JSON.stringify(information)}\n`);
      return;
    }
    const rows: [string, string][] = [
      ["model", information.model],
      ["architecture", `${information.modelType} (${information.architectures.join(", ")})`],
      ...(information.multimodalType
        ? [["loaded", `the text part of ${information.multimodalType}: no images, audio or video`] as [string, string]]
        : []),
      ["parameters", information.parameters.toLocaleString("en-US")],
      ["context", `${information.maxPositions.toLocaleString("en-US")} tokens`],
      ["vocabulary", information.vocabularySize.toLocaleString("en-US")],
      ["stored as", information.storedDtype],
      ...Object.entries(information.memory).map(([dtype, bytes]): [string, string] => [
        `memory ${dtype}`,
        `${megabytes(bytes.weights)} weights + ${megabytes(bytes.cachePerToken * 1024)} per 1,024 tokens of context`,
      ]),
    ];
    for (const [name, value] of rows) process.stdout.write(`${name.padEnd(16)} ${value}\n`);
  });
}
