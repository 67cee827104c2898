import { TsumugiError } from "../../errors.ts";
import type { Model } from "../../ops/program.ts";
import type { Backend, Limits, MemoryPlan, PrepareOptions, Session, WeightSource } from "../backend.ts";
import { blockTokens, type NativeSession, nativeAddon } from "./addon.ts";
import { availableMemory } from "./available-memory.ts";
import { type CompiledPrograms, compilePrograms } from "./compile-programs.ts";
import { compileModel } from "./plan.ts";
import { CpuSession } from "./session.ts";
import { planLoad } from "./weights.ts";

/**
 * The backend that runs programs with the native addon: AVX-512 (with AMX for bfloat16 matrices), AVX2, or plain C++,
 * chosen once by what the processor has; `TSUMUGI_ISA` caps the choice. Steps run on a pool of threads, never on the
 * event loop. Results do not depend on batch, chunking or number of threads.
 *
 * Errors: `native_addon_missing`, `op_unsupported`, `limits_invalid`, `weight_shape`, `tensor_missing`,
 * `weights_unreadable`, `out_of_memory`, `aborted`.
 *
 * @example
 * ```ts
 * const backend = createCpuBackend();
 * const session = await backend.prepare(model, checkpoint, limits, { threads: 2 });
 * ```
 */
export function createCpuBackend(): Backend {
  return {
    name: "cpu",
    blockTokens,
    keepsOutputs: false,
    usesThreads: true,
    availableMemory: () => availableMemory(),
    plan,
    prepare,
  };
}

/** What `plan` has compiled, until `prepare` takes it: a load asks for both, with other blocks and threads at most. */
const compiledPrograms = new WeakMap<Model, { key: string; programs: CompiledPrograms }>();

const programsKey = (limits: Limits) => JSON.stringify({ ...limits, blocks: undefined });

function plan(model: Model, source: WeightSource, limits: Limits): MemoryPlan {
  const programs = compilePrograms(model, limits);
  compiledPrograms.set(model, { key: programsKey(limits), programs });
  const compiled = compileModel(model, limits, blockTokens, workers(undefined), programs);
  planLoad(model, compiled.native.weights, compiled.holdings, source);
  return compiled.memory;
}

async function prepare(model: Model, source: WeightSource, limits: Limits, options: PrepareOptions = {}): Promise<Session> {
  const { signal, onProgress } = options;
  if (signal?.aborted) throw new TsumugiError("aborted");
  const addon = nativeAddon();
  const planned = compiledPrograms.get(model);
  compiledPrograms.delete(model);
  const programs = planned?.key === programsKey(limits) ? planned.programs : undefined;
  const { native, memory, kept, holdings } = compileModel(model, limits, blockTokens, workers(options.threads), programs);
  const loadPlan = planLoad(model, native.weights, holdings, source);
  let session: NativeSession;
  try {
    session = new addon.Session(native);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (reason === "out of memory") throw new TsumugiError("out_of_memory", { given: memory.total }, { cause });
    throw cause;
  }
  const abort = () => session.cancelLoad();
  signal?.addEventListener("abort", abort, { once: true });
  const totalBytes = memory.weights;
  let thrown: { error: unknown } | undefined;
  const report = (loadedBytes: number) => {
    try {
      onProgress?.({ loadedBytes: Math.min(loadedBytes, totalBytes), totalBytes });
    } catch (error) {
      thrown ??= { error };
      session.cancelLoad();
    }
  };
  try {
    const finished = await session.load(loadPlan, report);
    if (finished) report(totalBytes);
    if (thrown) throw thrown.error;
    if (!finished) throw new TsumugiError("aborted");
  } catch (error) {
    await session.dispose();
    if (TsumugiError.isInstance(error) || error === thrown?.error) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TsumugiError("weights_unreadable", { reason }, { cause: error });
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return new CpuSession({ native: session, model, limits, memory, kept, blockTokens });
}

function workers(threads: number | undefined): number {
  if (threads === undefined) return nativeAddon().defaultWorkers();
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new TsumugiError("invalid_option", { option: "threads", expected: "an integer from 1 to 256", given: threads });
  }
  return threads;
}
