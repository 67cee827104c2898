import type { AvailableMemory, Backend, Limits, MemoryPlan } from "../backends/backend.ts";
import { type EngineLimitOptions, engineLimits } from "../engine/limits.ts";
import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { Model } from "../ops/program.ts";

/** What the cache may take by default, where one sequence needs no more. */
const defaultCacheBytes = 2 ** 30;

/** What the process itself needs beside a session: room for the answers' texts, buffers of loading, the garbage collector. */
const spareBytes = 64e6;

/** How a session is sized. */
export interface SizeOptions {
  contextTokens?: number | undefined;
  cacheBytes?: number | undefined;
  /** False: what does not fit is loaded nevertheless. */
  checkMemory?: boolean | undefined;
}

/**
 * Limits of a session whose memory is there. A cache of default size is an upper limit, and gets smaller where there is less;
 * what was asked for must fit whole.
 *
 * @throws `memory_insufficient` before anything is read, with what would fit
 */
export function fittingLimits(
  parts: { model: Model; checkpoint: Checkpoint; backend: Backend },
  options: EngineLimitOptions & { maxSequences: number },
  { contextTokens, cacheBytes, checkMemory = true }: SizeOptions,
): Limits {
  const { model, checkpoint, backend } = parts;
  const available = checkMemory ? backend.availableMemory?.() : undefined;
  const limits = engineLimits(model, { ...options, contextTokens, cacheBytes });
  const plan = backend.plan(model, checkpoint, limits);
  if (cacheBytes !== undefined || contextTokens !== undefined) {
    if (available && plan.total + spareBytes > available.bytes) throw tooLarge(parts, options, plan, available);
    return limits;
  }
  // A little more than a share, since blocks are counted whole.
  const oneSequence = Math.ceil((1.01 * plan.cache) / options.maxSequences);
  const left = available ? available.bytes - spareBytes - plan.weights - plan.workspace : Number.POSITIVE_INFINITY;
  if (available && left < oneSequence) {
    const least = { ...plan, cache: oneSequence, total: plan.weights + plan.workspace + oneSequence };
    throw tooLarge(parts, options, least, available);
  }
  const room = Math.floor(Math.min(left, Math.max(defaultCacheBytes, oneSequence)));
  return plan.cache > room ? engineLimits(model, { ...options, cacheBytes: room }) : limits;
}

type Parts = Parameters<typeof fittingLimits>[0];

function tooLarge(
  { model, checkpoint, backend }: Parts,
  options: EngineLimitOptions,
  plan: MemoryPlan,
  available: AvailableMemory,
): TsumugiError {
  const room = available.bytes - spareBytes;
  const contextTokens = Math.min(model.maxPositions, 4096);
  const planOf = (changed: Partial<EngineLimitOptions>) =>
    backend.plan(model, checkpoint, engineLimits(model, { ...options, maxSequences: 1, contextTokens, ...changed }));
  const fitting: string[] = [];
  const one = planOf({});
  const tokens = Math.floor(((room - one.weights - one.workspace) / one.cache) * contextTokens * 0.95);
  if (tokens >= 128) fitting.push(`\`maxBatchSize: 1, contextTokens: ${Math.min(tokens, model.maxPositions)}\``);
  if (options.weights === "float32") {
    const { total } = planOf({ weights: "bfloat16" });
    if (total <= room) fitting.push(`\`dtype: "bfloat16"\` (${gigabytes(total)} with one sequence)`);
  }
  const { weights, cache, workspace, total } = plan;
  const needed = `${gigabytes(total)} (weights ${gigabytes(weights)}, cache ${gigabytes(cache)}, workspace ${gigabytes(workspace)})`;
  return new TsumugiError("memory_insufficient", {
    needed,
    available: `${gigabytes(available.bytes)} ${available.of}`,
    fitting: fitting.length > 0 ? `It would fit with ${fitting.join(", or ")}.` : "No setting of this model would fit.",
    neededBytes: total,
    availableBytes: available.bytes,
    plan,
  });
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
