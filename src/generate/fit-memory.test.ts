import { describe, expect, it } from "vitest";
import { fakeModel } from "../../test/helpers/fake-session.ts";
import type { Backend, MemoryPlan } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import { fittingLimits, type SizeOptions } from "./fit-memory.ts";

/** A backend whose weights take 2 GB in float32, and each block 1 MB. */
function backendWith(bytes: number | undefined): Backend {
  const plan: Backend["plan"] = (_, __, { activation, blocks }): MemoryPlan => {
    const held = activation === "bfloat16" ? 1e9 : 2e9;
    const cache = blocks.state0! * 1e6;
    return { weights: held, cache, workspace: 1e8, total: held + cache + 1e8 };
  };
  const known = bytes === undefined ? {} : { availableMemory: () => ({ bytes, of: "of 8.0 GB of this machine" }) };
  return {
    name: "fake",
    blockTokens: 32,
    keepsOutputs: false,
    usesThreads: false,
    plan,
    prepare: () => Promise.reject(),
    ...known,
  };
}

const plain = fakeModel({ maxPositions: 4096 });
const parts = [{ name: "values", shape: [7812], type: "float32" as const }]; // 1 MB for 32 tokens
const model = { ...plain, states: plain.states.map((state) => ({ ...state, parts })) };

function blocksWith(bytes: number | undefined, sizes: SizeOptions = {}): number {
  const parts = { model, checkpoint: {} as Checkpoint, backend: backendWith(bytes) };
  return fittingLimits(parts, { blockTokens: 32, weights: "float32", maxSequences: 16 }, sizes).blocks.state0!;
}

function refusal(bytes: number, sizes: SizeOptions = {}): TsumugiError {
  try {
    blocksWith(bytes, sizes);
  } catch (error) {
    if (TsumugiError.isInstance(error)) return error;
  }
  throw new Error("it was not refused");
}

describe("limits that fit the memory", () => {
  it("are those that were asked for where there is room, or nothing is known", () => {
    expect(blocksWith(20e9, { contextTokens: 4096 })).toBe(16 * 128);
    expect(blocksWith(undefined, { contextTokens: 4096 })).toBe(16 * 128);
  });

  it("have a smaller cache where its size was not asked for", () => {
    expect(blocksWith(undefined)).toBeGreaterThan(blocksWith(3e9));
    expect(blocksWith(3e9)).toBeGreaterThanOrEqual(128);
  });

  it("refuse what does not fit, with numbers and what would", () => {
    const error = refusal(3e9, { contextTokens: 4096 });
    expect(error.code).toBe("memory_insufficient");
    expect(error.message).toContain("4.15 GB (weights 2.00 GB, cache 2.05 GB, workspace 100.0 MB)");
    expect(error.message).toContain("3.00 GB of 8.0 GB of this machine");
    expect(error.message).toContain("maxBatchSize: 1");
    expect(refusal(1.6e9).message).toContain('`dtype: "bfloat16"` (1.23 GB with one sequence)');
    expect(refusal(1e8).message).toContain("No setting");
  });

  it("let it pass with `checkMemory: false`", () => {
    expect(blocksWith(1e8, { contextTokens: 4096, checkMemory: false })).toBe(16 * 128);
  });
});
