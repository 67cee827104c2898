import { type Command, Option } from "commander";
import { quantizeFormats, quantizeModel } from "../generate/quantize.ts";
import { abortOnInterrupt } from "./interrupt.ts";
import { addHubOptions, type ModelFlags } from "./model-options.ts";
import { createProgressReporter } from "./progress.ts";

interface QuantizeFlags extends Omit<ModelFlags, "model"> {
  to: string;
  output: string;
}

/** `tsumugi quantize <model> --to <format> --output <path>`: a checkpoint or a GGUF file in fewer bits. */
export function addQuantizeCommand(program: Command): void {
  const command = program
    .command("quantize")
    .description("write a model in fewer bits: a checkpoint that loads here and in Python, or a GGUF file")
    .argument("<model>", "local folder or Hub id")
    .addOption(new Option("--to <format>", "format to write").choices(quantizeFormats).makeOptionMandatory())
    .requiredOption("-o, --output <path>", "folder to write, new or empty; of GGUF, the file");
  addHubOptions(command).action(async (model: string, { to, output, ...hub }: QuantizeFlags) => {
    const reporter = createProgressReporter();
    const interrupt = abortOnInterrupt();
    const onWritten = ({ writtenBytes, totalBytes }: { writtenBytes: number; totalBytes: number }) =>
      reporter.writing({ writtenBytes, totalBytes });
    try {
      const { signal } = interrupt;
      await quantizeModel(model, to, output, { ...hub, signal, onProgress: reporter.download, onWritten });
    } finally {
      interrupt.release();
      reporter.close();
    }
    process.stdout.write(`${output}\n`);
  });
}
