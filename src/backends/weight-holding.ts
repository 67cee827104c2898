import { TsumugiError } from "../errors.ts";
import type { Model, Weight } from "../ops/program.ts";
import type { CodeLayout } from "../tensor/code-layout.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import { takesInt8 } from "../tensor/int8-products.ts";
import { quantiserNamed, quantiserNames } from "../tensor/quantisers/index.ts";
import type { QuantiserParameters } from "../tensor/quantisers/quantiser.ts";
import { type StorageKind, storageBits, storageCodes, storageKinds } from "../tensor/storage.ts";

/** How a session holds one weight. */
export interface WeightHolding {
  /** Plain numbers of a type, codes as the checkpoint has them (a kind of storage), or those that a quantiser makes. */
  storage: FloatDType | StorageKind | (string & {});
  /**
   * What a matmul multiplies. "bfloat16" rounds what comes in and sums in bfloat16's order; "int8", of codes, rounds what comes in
   * to 8 bits (`quantiseInputs` of tensor/int8-products.ts) and sums integers exactly; "float32" does neither.
   */
  arithmetic: "float32" | "bfloat16" | "int8";
  /**
   * LLM.int8(): what is multiplied goes through float16 and then, row by row, through 8 bits, but for numbers of at least this
   * size (0: all do). With "float32" arithmetic. Default: nothing goes through 8 bits.
   */
  int8Threshold?: number;
  /**
   * Makes codes of plain numbers as they are loaded: parameters of the quantiser that `storage` names. One of them all have:
   * `inputsFirst`, where what is quantised is the stored matrix with rows and columns exchanged.
   */
  quantise?: QuantiserParameters;
  /** The quantiser, where its codes are turned into plain numbers of the type `storage` at once. Default: `storage`. */
  quantiser?: string;
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

/** The rule that engines use. Codes stay as they are where kernels can work on them; all else becomes `dtype`. */
export function holdAsStored(weight: Weight, dtype: FloatDType): WeightHolding {
  if (weight.uses.includes("vector")) return plainHolding("float32");
  const plain = plainHolding(dtype);
  const [stored] = weight.from.map(({ storage }) => storage);
  if (!stored) return plain;
  // a storage may say what its products are computed in
  const arithmetic = "arithmetic" in stored ? stored.arithmetic : dtype === "bfloat16" ? "bfloat16" : "float32";
  if ("threshold" in stored) return withThreshold(weight, stored.kind, stored.threshold);
  if (storedCodes(weight)) return { arithmetic, storage: stored.kind };
  return arithmetic === plain.arithmetic ? plain : plainHolding(arithmetic);
}

/** LLM.int8()'s weights. The parts of a matrix that heads take one by one are read as values, and so is what they multiply. */
function withThreshold(weight: Weight, storage: StorageKind, int8Threshold: number): WeightHolding {
  const isWhole = weight.shape.length === 2 || weight.from.every(({ slice }) => !slice);
  if (!isWhole) return plainHolding("float32");
  const held = storedCodes(weight) ? storage : "float32";
  return { storage: held, arithmetic: "float32", int8Threshold };
}

/** How the codes of a weight can stay as they are: when it is whole rows, all held in one layout. */
function storedCodes({ from, uses }: Weight): CodeLayout | undefined {
  if (uses.includes("vector")) return undefined;
  const layouts = from.map(({ storage, transpose, slice, change }) => {
    const isRows = !slice || (slice.axis === 0 && (storage?.shape.length ?? 0) > 1);
    return storage && !transpose && isRows && !change ? storageCodes(storage) : undefined;
  });
  const [first] = layouts;
  // columns of two matrices may stand in two orders
  const isOne = from.length === 1 || from.every(({ index }, at) => index !== undefined && index !== from[at - 1]?.index);
  const fits = first && layouts.every((layout) => layout && isSame(first, layout)) && (isOne || !first.permuted);
  return fits ? first : undefined;
}

function isSame(a: CodeLayout, b: CodeLayout): boolean {
  return (Object.keys({ ...a, ...b }) as (keyof CodeLayout)[]).every((key) => a[key] === b[key]);
}

/** How the codes are held that a quantiser makes of a weight: of whole rows of plain numbers. */
function quantisedCodes({ from, uses, shape }: Weight, { storage, quantise }: WeightHolding): CodeLayout | undefined {
  if (quantise === undefined || uses.includes("vector")) return undefined;
  const isPlainRows = from.every(({ storage: stored, slice, transpose }) => {
    return !stored && (!slice || (slice.axis === 0) !== (transpose ?? false));
  });
  const layout = isPlainRows ? quantiserNamed(storage)?.layout(quantise, shape.at(-1)!) : undefined;
  // groups of fewer columns are decoded
  return layout?.group === "row" || (layout?.group ?? 0) % 16 === 0 ? layout : undefined;
}

/** The layout in which a weight's codes are held; undefined for plain numbers, and where a weight cannot be held so. */
export function holdingCodes(weight: Weight, holding: WeightHolding): CodeLayout | undefined {
  if (isPlain(holding)) return undefined;
  if (holding.quantise) return quantisedCodes(weight, holding);
  return weight.from[0]?.storage?.kind === holding.storage ? storedCodes(weight) : undefined;
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
  holdings.forEach((holding, index) => {
    const { storage, arithmetic, quantise, int8Threshold = 0 } = holding;
    const weight = weights[index]!;
    if (!(int8Threshold >= 0)) fail(`a number of at least 0 as threshold of ${weight.name}`, int8Threshold);
    if (!["float32", "bfloat16", "int8"].includes(arithmetic))
      fail(`float32, bfloat16 or int8 as arithmetic of ${weight.name}`, arithmetic);
    if (floats.includes(storage)) {
      const plain = plainHolding(storage as FloatDType);
      if (arithmetic !== plain.arithmetic)
        fail(`${plain.arithmetic} as arithmetic of ${weight.name}, held as ${storage}`, arithmetic);
      if (weight.uses.includes("vector") && storage !== "float32") fail(`float32 for the vector ${weight.name}`, storage);
    } else if (quantise && !holdingCodes(weight, holding)) {
      const known = quantiserNames.join(", ") || "none is built";
      fail(`a quantiser (${known}) that can take ${weight.name}`, storage);
    } else if (!quantise && !holdingCodes(weight, holding)) {
      const known = [...floats, ...storageKinds].join(", ");
      fail(`a storage (${known}) that ${weight.name} has in the checkpoint, or a float type`, storage);
    } else if (arithmetic === "int8" && !takesInt8(holdingCodes(weight, holding)!, weight.shape.at(-1)!)) {
      fail(`float32 or bfloat16 as arithmetic of ${weight.name}, whose codes int8 cannot multiply`, arithmetic);
    }
  });
  return holdings;
}

/** Bits of one value of a matrix that is held so, padding not counted. */
export function holdingBits(weight: Weight, holding: WeightHolding): number {
  if (isPlain(holding)) return holding.storage === "float32" ? 32 : 16;
  const stored = weight.from[0]?.storage;
  return stored && !holding.quantise ? storageBits(stored) : codeBits(holdingCodes(weight, holding)!, weight.shape.at(-1)!);
}

function codeBits({ bits, group, scale, offset, super: shared }: CodeLayout, columns: number): number {
  const each = { float32: 32, float16: 16, exponent: 8, byte: 8, mapped: 8 }[scale];
  const count = offset === "none" ? 1 : 2;
  const shares = shared === undefined ? 0 : (scale === "mapped" ? 64 : 16 * count) / shared;
  return bits + (each * count) / (group === "row" ? columns : group) + shares;
}
