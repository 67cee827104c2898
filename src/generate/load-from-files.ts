import { createReferenceBackend } from "../backends/reference/index.ts";
import { readCheckpoint, readSafetensors } from "../formats/memory-checkpoint.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { withWatchedProgress } from "../util/callback-guard.ts";
import { joinWeights, readAdapterConfig, refuseBareAdapter, type Weights } from "./adapter-files.ts";
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
  return assembleModel({ files, config, ...(await readWeights(files)), backend: createReferenceBackend() }, options);
}

async function readWeights(files: ModelFiles): Promise<Weights> {
  const checkpoint = await readCheckpoint(files);
  const config = await readAdapterConfig(files);
  if (config === undefined) return { checkpoint };
  const bytes = await files.readBytes("adapter_model.safetensors");
  if (!bytes) return refuseBareAdapter(files.directory, await files.list());
  const adapter = await readSafetensors(bytes, `${files.directory}/adapter_model.safetensors`);
  return joinWeights(checkpoint, adapter, files.directory, config);
}
