import { headWeights, routerWeights } from "../models/index.ts";
import type { Model, Weight } from "../ops/program.ts";
import { elementCount } from "../tensor/dtype.ts";
import type { FromPretrainedOptions } from "./load-options.ts";
import { isOwnFormat } from "./own-format-names.ts";

/** A way to hold a model's weights, as the table of memory names it. */
export interface MemoryFormat {
  /** Bits of one value, without what values share. */
  bits: number;
  /** Bits of one value of a matrix with its share of scales and offsets; absent: `bits`. */
  bitsWithScales?: number;
  /** Options of loading that hold a model so; absent: models are stored so, and not turned into it while loading. */
  options?: Partial<FromPretrainedOptions> & { [name: string]: unknown };
}

const nf4 = (type: "nf4" | "fp4", isNested: boolean): MemoryFormat => ({
  bits: 4,
  // a scale of 32 bits for 64 values; nested: 8 bits for 64 values and 32 bits for 256 of those
  bitsWithScales: isNested ? 4 + 8 / 64 + 32 / (64 * 256) : 4 + 32 / 64,
  options: { quantizationConfig: { loadIn4bit: true, bnb4bitQuantType: type, bnb4bitUseDoubleQuant: isNested } },
});

const stored = (bits: number, bitsWithScales: number): MemoryFormat => ({ bits, bitsWithScales });

/** By name. */
export const memoryFormats: { readonly [name: string]: MemoryFormat } = {
  float32: { bits: 32, options: { dtype: "float32" } },
  bfloat16: { bits: 16, options: { dtype: "bfloat16" } },
  float16: { bits: 16, options: { dtype: "float16" } },
  int8: { bits: 8, options: { dtype: "int8" } },
  int4: { bits: 4, bitsWithScales: 4.5, options: { dtype: "int4" } },
  nf4: nf4("nf4", false),
  "nf4-double": nf4("nf4", true),
  fp4: nf4("fp4", false),
  "fp4-double": nf4("fp4", true),
  "gguf:f16": stored(16, 16),
  "gguf:q8_0": stored(8, 8.5),
  "gguf:q6_k": stored(6, 6.5625),
  "gguf:q5_k": stored(5, 5.5),
  "gguf:q4_k": stored(4, 4.5),
  "gguf:q5_0": stored(5, 5.5),
  "gguf:q4_0": stored(4, 4.5),
  "gguf:q3_k": stored(3, 3.4375),
  "gguf:q2_k": stored(2, 2.625),
  "gguf:iq4_nl": stored(4, 4.5),
  "gguf:iq4_xs": stored(4, 4.25),
};

export function parameterCount({ weights }: Pick<Model, "weights">): number {
  return weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** Whether a format turns a weight into codes: matrices of matmuls alone, not tables that are read row by row, nor the head. */
function isCoded({ shape, uses, name }: Weight, isGguf: boolean): boolean {
  if (isGguf) return shape.length > 1;
  return shape.length > 1 && uses.every((use) => use === "matmul") && !/(^|\.)(lm_head|embed_out|output)(\.|$)/.test(name);
}

/** Bytes of a model's weights in a format, from their shapes. Matrices that stay as they are count as bfloat16. */
export function formatBytes(model: Model, name: string, format: MemoryFormat): number {
  const { bits, bitsWithScales = bits } = format;
  const others = bits >= 16 ? bits : 16;
  const isGguf = name.startsWith("gguf:");
  const own = isOwnFormat(name) ? ownBits(model, bitsWithScales) : undefined;
  return model.weights.reduce((sum, weight, index) => {
    const coded = own ? own(weight, index) : isCoded(weight, isGguf) ? bitsWithScales : undefined;
    const each = weight.uses.includes("vector") ? 32 : (coded ?? others);
    return sum + (elementCount(weight.shape) * each) / 8;
  }, 0);
}

/** Bits of a value that `dtype: "int8"` or `"int4"` turns into a code: see `ownFormatRule`. */
function ownBits(model: Model, bits: number): (weight: Weight, index: number) => number | undefined {
  const [heads, routers] = [headWeights(model), routerWeights(model)];
  return ({ uses, shape }, index) => {
    if (!uses.includes("matmul") || routers.has(index)) return undefined;
    const isRows = bits === 8 || heads.has(index);
    return isRows ? 8 + 32 / shape.at(-1)! : bits;
  };
}
