import { type Command, InvalidArgumentError, Option } from "commander";
import { deviceNames } from "../generate/auto-model.ts";
import type { FromPretrainedOptions } from "../generate/index.ts";
import { kvCacheDtypes } from "../generate/load-options.ts";

/** What the model options of a command parse to. */
export interface ModelFlags {
  model: string;
  revision?: string;
  dtype?: FromPretrainedOptions["dtype"];
  loadIn4bit?: boolean;
  loadIn8bit?: boolean;
  quantize?: (typeof quantisations)[number];
  activations?: FromPretrainedOptions["activations"];
  device?: FromPretrainedOptions["device"];
  threads?: number;
  kvCacheDtype?: FromPretrainedOptions["kvCacheDtype"];
  checkMemory?: boolean;
  cacheDir?: string;
  localFilesOnly?: boolean;
}

/** What --quantize names: bitsandbytes' 4-bit types, with and without double quantisation, and the two formats of our own. */
export const quantisations = ["nf4", "nf4-double", "fp4", "fp4-double", "int8", "int4"] as const;

/**
 * Adds --model, --revision, --dtype, --load-in-4bit, --load-in-8bit, --quantize, --activations, --device, --threads, --kv-cache-dtype,
 * --no-check-memory, --cache-dir and --local-files-only.
 */
export function addModelOptions(command: Command): Command {
  return addHubOptions(
    command.option("-m, --model <id or folder>", "Hub id, local folder, or tsumugi-mini (in the box)", "tsumugi-mini"),
  )
    .addOption(
      new Option("--dtype <type>", "type of the weights")
        .choices(["auto", "float32", "bfloat16", "float16", "int8", "int4"])
        .default("auto"),
    )
    .option("--load-in-4bit", "quantise to 4 bits while loading, as bitsandbytes does (FP4)")
    .option("--load-in-8bit", "quantise to 8 bits while loading, as bitsandbytes does (LLM.int8())")
    .addOption(
      new Option("--quantize <kind>", "quantise while loading; int8 and int4 are the same as with --dtype").choices(
        quantisations,
      ),
    )
    .addOption(new Option("--activations <kind>", "what weights of 8 and 4 bits are multiplied by").choices(["float", "int8"]))
    .addOption(new Option("--device <device>", "where to run").choices(["auto", ...deviceNames()]).default("auto"))
    .option("--threads <n>", "threads of the cpu device (default: physical cores)", positiveInteger)
    .addOption(
      new Option("--kv-cache-dtype <type>", "type of the KV cache").choices(["auto", ...kvCacheDtypes]).default("auto"),
    )
    .option("--no-check-memory", "load a model that does not fit into the free memory all the same");
}

/** The options that say where files come from. */
export function addHubOptions(command: Command): Command {
  return command
    .option("--revision <name>", "branch, tag or commit")
    .option("--cache-dir <folder>", "cache folder (default: the one Python uses, see HF_HOME)")
    .option("--local-files-only", "never go to the network");
}

/** Parses a whole number of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`It must be a whole number of at least 1.`);
  return value;
}
