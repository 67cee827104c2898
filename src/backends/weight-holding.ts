import { TsumugiError } from "../errors.ts";
import type { Model, Weight } from "../ops/program.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import { type StorageKind, storageBits } from "../tensor/storage.ts";

/** How a session holds one weight. */
export interface WeightHolding {
  /** Plain numbers of a type, or blocks of codes as the checkpoint has them. */
  storage: FloatDType | StorageKind;
  /** What a matmul multiplies. "bfloat16" rounds what comes in and sums in bfloat16's order; "float32" does neither. */
  arithmetic: "float32" | "bfloat16";
}

/**
 * `Limits.weights`: one type for all matrices, whatever the checkpoint has, or what each weight is held as, in the order of
 * `Model.weights`. Vectors are float32 always.
 */
export type WeightsLimit = FloatDType | readonly WeightHolding[];

const floats: readonly string[] = ["float32", "bfloat16", "float16"];

/** Whether a weight is held as plain numbers. */
export function isPlain(holding: WeightHolding): holding is WeightHolding & { storage: FloatDType } {
  return floats.includes(holding.storage);
}

/** A weight as plain numbers. */
export function plainHolding(dtype: FloatDType): WeightHolding {
  return { storage: dtype, arithmetic: dtype === "bfloat16" ? "bfloat16" : "float32" };
}

/** The rule that engines use. Blocks of codes stay as they are where kernels can work on them; all else becomes `dtype`. */
export function holdAsStored(weight: Weight, dtype: FloatDType): WeightHolding {
  if (weight.uses.includes("vector")) return plainHolding("float32");
  const plain = plainHolding(dtype);
  const kind = weight.from[0]?.storage?.kind;
  return kind !== undefined && isHeldAs(weight, kind) ? { ...plain, storage: kind } : plain;
}

/** Whether the blocks of a weight can stay as they are. They can when matmuls alone use whole rows of one kind of storage. */
function isHeldAs({ from, uses }: Weight, kind: string): boolean {
  const whole = from.every(({ storage, transpose, slice }) => {
    const isRows = !slice || (slice.axis === 0 && (storage?.shape.length ?? 0) > 1);
    return storage?.kind === kind && !transpose && isRows;
  });
  return whole && uses.every((use) => use === "matmul");
}

/**
 * `Limits.weights` as one entry for each weight of a model.
 *
 * @throws TsumugiError `limits_invalid`
 */
export function weightHoldings({ weights }: Pick<Model, "weights">, limit: WeightsLimit): readonly WeightHolding[] {
  const fail = (expected: string, given: unknown): never => {
    throw new TsumugiError("limits_invalid", { limit: "weights", expected, given: given ?? "nothing" });
  };
  if (!Array.isArray(limit)) {
    if (!floats.includes(limit as string)) fail("float32, bfloat16 or float16, or an entry for each weight", limit);
    const plain = plainHolding(limit as FloatDType);
    return weights.map(({ uses }) => (uses.includes("vector") ? plainHolding("float32") : plain));
  }
  const holdings = limit as readonly WeightHolding[];
  if (holdings.length !== weights.length) fail(`${weights.length} entries, one for each weight`, `${holdings.length} entries`);
  holdings.forEach(({ storage, arithmetic }, index) => {
    const weight = weights[index]!;
    if (!["float32", "bfloat16"].includes(arithmetic)) fail(`float32 or bfloat16 as arithmetic of ${weight.name}`, arithmetic);
    if (floats.includes(storage)) {
      const plain = plainHolding(storage as FloatDType);
      if (arithmetic !== plain.arithmetic)
        fail(`${plain.arithmetic} as arithmetic of ${weight.name}, held as ${storage}`, arithmetic);
      if (weight.uses.includes("vector") && storage !== "float32") fail(`float32 for the vector ${weight.name}`, storage);
    } else if (!(storage in storageBits) || !isHeldAs(weight, storage)) {
      fail(`a storage that ${weight.name} has in the checkpoint, or a float type`, storage);
    }
  });
  return holdings;
}

/** Bits of one value of a matrix that is held so, padding not counted. */
export function holdingBits({ storage }: WeightHolding): number {
  if (storage === "float32") return 32;
  return storage === "bfloat16" || storage === "float16" ? 16 : storageBits[storage];
}
