import { TsumugiError } from "../../errors.ts";
import type { Model, Weight } from "../../ops/program.ts";
import { opDefinition } from "../../ops/registry.ts";
import { dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import type { Backend, Limits, MemoryPlan, PrepareOptions, WeightSource } from "../backend.ts";
import { holdingBits, isPlain, type WeightHolding, weightHoldings } from "../weight-holding.ts";
import { PagedCache } from "./paged-cache.ts";
import { ReferenceSession } from "./session.ts";
import { loadWeight, type ReferenceWeight } from "./weights.ts";

/** Small, so that tests cross block borders often. */
const blockTokens = 4;

/**
 * The backend that runs each op's TypeScript reference: slow, exact, without native code. It is what others are tested
 * against, and `device: "reference"`. Matrices, cache and values between ops are held as float32, rounded to the types
 * that `limits` names; weights that stay in blocks of codes are decoded anew for each op.
 *
 * @example
 * ```ts
 * const backend = createReferenceBackend();
 * const session = await backend.prepare(model, checkpoint, limits);
 * ```
 */
export function createReferenceBackend(): Backend {
  return { name: "reference", blockTokens, keepsOutputs: true, usesThreads: false, plan, prepare };
}

/** Bytes as this backend holds them: plain weights and cache as float32, whatever they are rounded to. */
function plan(model: Model, _source: WeightSource, limits: Limits): MemoryPlan {
  checkLimits(model, limits);
  const float = dtypeBytes("float32");
  const holdings = weightHoldings(model, limits.weights);
  const weights = model.weights.reduce((sum, weight, i) => sum + bytesOf(weight, holdings[i]!), 0);
  const cache = model.states.reduce((sum, { name, kind, parts }) => {
    const perToken = parts.reduce((values, { shape }) => values + elementCount(shape), 0);
    return sum + limits.blocks[name]! * (kind === "slot" ? 1 : blockTokens) * perToken * float;
  }, 0);
  const rows = { T: limits.maxTokens, S: limits.maxSequences, R: limits.maxLogitRows };
  const values = Object.values(model.programs).map((program) =>
    program.values.reduce(
      (sum, { shape }) => sum + elementCount(shape.map((d) => (typeof d === "number" ? d : rows[d]))) * float,
      0,
    ),
  );
  const workspace = Math.max(...values);
  return { weights, cache, workspace, total: weights + cache + workspace };
}

function bytesOf(weight: Weight, holding: WeightHolding): number {
  const isFloat = isPlain(holding) || holding.quantise !== undefined;
  return elementCount(weight.shape) * (isFloat ? dtypeBytes("float32") : holdingBits(weight, holding) / 8);
}

async function prepare(
  model: Model,
  source: WeightSource,
  limits: Limits,
  options: PrepareOptions = {},
): Promise<ReferenceSession> {
  const memory = plan(model, source, limits);
  for (const { ops } of Object.values(model.programs)) for (const { op } of ops) opDefinition(op);
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const holdings = weightHoldings(model, limits.weights);
  const weights: ReferenceWeight[] = [];
  let loadedBytes = 0;
  for (const [index, weight] of model.weights.entries()) {
    if (options.signal?.aborted) throw new TsumugiError("aborted");
    const loaded = await loadWeight(weight, source, tensors, holdings[index]!, limits.activation);
    weights.push(loaded);
    loadedBytes += bytesOf(weight, holdings[index]!);
    options.onProgress?.({ loadedBytes, totalBytes: memory.weights });
  }
  const caches = createCaches(model, limits, memory);
  return new ReferenceSession({ model, limits, memory, weights, caches, blockTokens });
}

function createCaches(model: Model, limits: Limits, memory: MemoryPlan): PagedCache[] {
  try {
    return model.states.map((state) => new PagedCache(state, limits.blocks[state.name]!, blockTokens, limits.cache));
  } catch (cause) {
    // arrays longer than there may be, or than there is memory for
    if (!(cause instanceof RangeError)) throw cause;
    throw new TsumugiError("out_of_memory", { given: memory.total }, { cause });
  }
}

function checkLimits(model: Model, limits: Limits): void {
  const positive = (limit: string, given: unknown) => {
    if (!Number.isInteger(given) || (given as number) < 1) {
      throw new TsumugiError("limits_invalid", { limit, expected: "a positive integer", given: given ?? "nothing" });
    }
  };
  positive("maxTokens", limits.maxTokens);
  positive("maxSequences", limits.maxSequences);
  positive("maxLogitRows", limits.maxLogitRows);
  for (const { name } of model.states) positive(`blocks.${name}`, limits.blocks[name]);
  for (const tap of limits.taps) {
    if (model.programs.decode.outputs[tap] === undefined) {
      const known = Object.keys(model.programs.decode.outputs).join(", ");
      throw new TsumugiError("limits_invalid", { limit: "taps", expected: `outputs of the program (${known})`, given: tap });
    }
  }
}
