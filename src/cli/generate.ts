import { text as readAll } from "node:stream/consumers";
import { styleText } from "node:util";
import { type Command, Option } from "commander";
import { Seq2SeqLM } from "../generate/index.ts";
import { addGenerationOptions, type GenerationFlags, toGenerateOptions } from "./generation-options.ts";
import { abortOnInterrupt } from "./interrupt.ts";
import { loadModel } from "./load.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { writePieces } from "./write-pieces.ts";

interface GenerateFlags extends ModelFlags, GenerationFlags {
  json?: boolean;
  defaultPrompt?: string;
}

/** `tsumugi generate [prompt]`: streams text to stdout, or prints one JSON object. */
export function addGenerateCommand(program: Command): void {
  const command = program
    .command("generate")
    .description("generate text after a prompt, or the answer of an encoder-decoder model to it")
    .argument("[prompt]", "the text to go on from; read from stdin when it is piped");
  addGenerationOptions(addModelOptions(command), { maxNewTokens: 256 })
    .option("--json", "print one JSON object instead of streaming")
    .addOption(new Option("--default-prompt <text>", "prompt to use when none is given").hideHelp())
    .action((prompt: string | undefined, flags: GenerateFlags) => generate(prompt, flags, command));
}

async function generate(argument: string | undefined, flags: GenerateFlags, command: Command): Promise<void> {
  const prompt = argument ?? flags.defaultPrompt ?? (await promptFromStdin());
  if (prompt === undefined) command.error("error: missing prompt: give it as an argument or pipe it in", { exitCode: 2 });

  const { model, tokenizer, loadMs } = await loadModel(flags);
  const interrupt = abortOnInterrupt();
  try {
    const stream = model.stream({ prompt, tokenizer, signal: interrupt.signal, ...toGenerateOptions(flags) });
    const output = flags.json ? undefined : process.stdout;
    // an encoder-decoder model answers a text, and does not go on from it
    if (output?.isTTY && !(model instanceof Seq2SeqLM)) output.write(styleText("dim", prompt));
    const result = await writePieces(stream, output && ((text) => output.write(text)));
    output?.write("\n");
    if (flags.json) {
      const { text, tokenIds, finishReason, usage, timings } = result;
      const document = { model: flags.model, prompt, text, tokenIds, finishReason, usage, timings: { loadMs, ...timings } };
      process.stdout.write(`${JSON.stringify(document)}\n`);
    }
    if (result.finishReason === "abort") process.exitCode = 1;
  } finally {
    interrupt.release();
    await model.dispose();
  }
}

/** Reads what is piped in, without the last line break. Gives undefined on a terminal, or when nothing is piped in. */
async function promptFromStdin(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  const piped = (await readAll(process.stdin)).replace(/\r?\n$/, "");
  return piped === "" ? undefined : piped;
}
