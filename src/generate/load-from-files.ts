import { createReferenceBackend } from "../backends/reference/index.ts";
import { readCheckpoint } from "../formats/memory-checkpoint.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { withWatchedProgress } from "../util/callback-guard.ts";
import { assembleModel } from "./assemble-model.ts";
import { CausalLM, type CausalLMParts } from "./causal-lm.ts";
import { checkModelOptions, type ModelOptions } from "./load-options.ts";
import { readConfig } from "./read-config.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";

/**
 * A model of files that need no file system: those of a web server (`fetchFiles`), or bytes (`filesInMemory`). It runs on the
 * reference device, plain TypeScript, which is slow: for small models. Files of weights are read whole. Encoder-decoder models
 * come as `Seq2SeqLM`. Call `dispose()` when done.
 *
 * @throws as `AutoModelForCausalLM.fromPretrained`, but for the Hub's errors; and what the files throw
 *
 * @example
 * ```ts
 * const model = await loadFromFiles(fetchFiles("/models/tsumugi-mini"));
 * for await (const piece of model.stream("Once upon a time", { maxNewTokens: 50 })) output.append(piece);
 * await model.dispose();
 * ```
 */
export async function loadFromFiles(files: ModelFiles, options: ModelOptions = {}): Promise<CausalLM> {
  checkModelOptions(options);
  const parts = await withWatchedProgress(
    options,
    (watched) => assemble(files, { ...options, ...watched }),
    ({ engine }) => engine.dispose(),
  );
  return parts.model.programs.encode ? new Seq2SeqLM(parts) : new CausalLM(parts);
}

async function assemble(files: ModelFiles, options: ModelOptions): Promise<CausalLMParts> {
  const config = await readConfig(files);
  const checkpoint = await readCheckpoint(files);
  return assembleModel({ files, config, checkpoint, backend: createReferenceBackend() }, options);
}
