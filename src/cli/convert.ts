import type { Command } from "commander";
import { convertModel } from "../generate/convert.ts";
import { abortOnInterrupt } from "./interrupt.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";
import { createProgressReporter } from "./progress.ts";

interface ConvertFlags extends Omit<ModelFlags, "model"> {
  output: string;
}

/** `tsumugi convert <model> --output <folder>`: weights of PyTorch, or of a model's authors, as safetensors. */
export function addConvertCommand(program: Command): void {
  const command = program
    .command("convert")
    .description("turn pytorch_model.bin, or the consolidated layout of Llama and Mistral, into safetensors")
    .argument("<model>", "local folder or Hub id")
    .requiredOption("-o, --output <folder>", "folder to write, new or empty");
  addHubOptions(command).action(async (model: string, { output, ...hub }: ConvertFlags) => {
    const reporter = createProgressReporter();
    const interrupt = abortOnInterrupt();
    const onWritten = ({ writtenBytes, totalBytes }: { writtenBytes: number; totalBytes: number }) =>
      reporter.writing({ writtenBytes, totalBytes });
    try {
      const { signal } = interrupt;
      await convertModel(model, output, { ...hub, signal, onProgress: reporter.download, onWritten });
    } finally {
      interrupt.release();
      reporter.close();
    }
    process.stdout.write(`${output}\n`);
  });
}
