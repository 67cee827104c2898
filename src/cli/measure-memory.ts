import { readFileSync } from "node:fs";
import { TsumugiError } from "../errors.ts";
import type { CausalLM, FromPretrainedOptions } from "../generate/index.ts";
import { memoryFormats } from "../generate/memory-formats.ts";
import { loadEither } from "./load.ts";

/** What a model takes that is loaded and has answered. */
export interface MeasuredMemory extends ReturnType<CausalLM["memory"]> {
  /** Most bytes of the process at once, above what it had before loading: anonymous and shared memory, not mapped files. */
  processPeak: number;
  tokens: number;
}

/** Milliseconds between two looks at the process. */
const interval = 2;

/** Loads a model in a format, fills its cache with `contextTokens` tokens, and tells what it took. */
export async function measureMemory(model: string, dtype: string, options: FromPretrainedOptions): Promise<MeasuredMemory> {
  const format = memoryFormats[dtype]?.options;
  if (!format)
    throw new TsumugiError("invalid_option", { option: "dtypes", expected: "a format that models load in", given: dtype });
  const before = privateBytes();
  let peak = before;
  const look = () => {
    peak = Math.max(peak, privateBytes());
  };
  const timer = setInterval(look, interval);
  try {
    const loaded = await loadEither(model, { ...options, ...format, maxBatchSize: 1 });
    const tokens = Math.min(options.contextTokens ?? 1024, loaded.maxPositions);
    const inputIds = [Array.from({ length: Math.max(1, tokens - 8) }, () => 1)];
    if (tokens > 8) await loaded.generate({ inputIds, maxNewTokens: 8, minNewTokens: 8, doSample: false });
    look();
    const use = loaded.memory();
    await loaded.dispose();
    return { ...use, processPeak: peak - before, tokens };
  } finally {
    clearInterval(timer);
  }
}

/** Anonymous and shared memory of this process; where the system does not tell, all of it that is in memory. */
function privateBytes(): number {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    let bytes = 0;
    for (const [, kilobytes] of status.matchAll(/^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm)) bytes += Number(kilobytes) * 1024;
    if (bytes > 0) return bytes;
  } catch {
    // no /proc here
  }
  return process.memoryUsage.rss();
}
