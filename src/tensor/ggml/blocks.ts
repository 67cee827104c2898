import type { CodedRows, CodeLayout } from "../code-layout.ts";
import { toFloat32 } from "../convert.ts";
import { type GgmlTypeName, ggmlTypes } from "./types.ts";

/** Types that hold codes. */
export type GgmlCodedType = Exclude<GgmlTypeName, "F32" | "F16" | "BF16">;

/** Where a block puts what it holds. */
interface Target {
  /** Codes of this block, one a value. */
  codes: Uint8Array;
  /** Scales of its groups. */
  scales: Float32Array;
  /** Minimums of its groups; of types without any, nothing reads what is written. */
  offsets: Float32Array;
}

interface BlockKind extends Pick<CodeLayout, "bits" | "table" | "scale" | "super" | "offset"> {
  group: 16 | 32;
  /** Takes one block apart. */
  read(block: Uint8Array, to: Target): void;
}

const half = (block: Uint8Array, at: number): number => toFloat32(block.subarray(at, at + 2), "float16")[0]!;

/** Low halves of 16 bytes are the first 16 codes, and high halves the others; `high` has a fifth bit for each of the 32. */
function nibbles(from: Uint8Array, codes: Uint8Array, high?: Uint8Array, shift = 0): void {
  for (let i = 0; i < 32; i++) {
    const low = i < 16 ? from[i]! & 15 : from[i - 16]! >> 4;
    const bit = high ? (high[i >> 3]! >> (i & 7)) & 1 : 0;
    codes[i] = (low | (bit << 4)) + shift;
  }
}

/** 6 bits each: scale and minimum of the 8 groups of Q4_K and Q5_K. */
function scaleAndMinimum(packed: Uint8Array, group: number): [scale: number, minimum: number] {
  if (group < 4) return [packed[group]! & 63, packed[group + 4]! & 63];
  const low = packed[group + 4]!;
  return [(low & 15) | ((packed[group - 4]! >> 6) << 4), (low >> 4) | ((packed[group]! >> 6) << 4)];
}

function scaledGroups(block: Uint8Array, { scales, offsets }: Target): void {
  const [d, least] = [half(block, 0), half(block, 2)];
  for (let group = 0; group < 8; group++) {
    const [scale, minimum] = scaleAndMinimum(block.subarray(4, 16), group);
    scales[group] = d * scale;
    offsets[group] = -least * minimum;
  }
}

const fourBits = { bits: 4, scale: "float16", offset: "none", group: 32 } as const;
const kTypes = { scale: "byte", super: 256, offset: "none" } as const;

/** What the blocks of each type mean. Source: ggml's ggml-quants.c (`dequantize_row_…`). */
export const ggmlBlocks: { readonly [Type in GgmlCodedType]: BlockKind } = {
  Q4_0: {
    ...{ ...fourBits, table: "int4" },
    read(block, { codes, scales }) {
      scales[0] = half(block, 0);
      nibbles(block.subarray(2), codes);
    },
  },
  Q4_1: {
    ...{ ...fourBits, table: "linear", offset: "minimum" },
    read(block, { codes, scales, offsets }) {
      scales[0] = half(block, 0);
      offsets[0] = half(block, 2);
      nibbles(block.subarray(4), codes);
    },
  },
  Q5_0: {
    ...{ ...fourBits, bits: 8, table: "int8" },
    read(block, { codes, scales }) {
      scales[0] = half(block, 0);
      nibbles(block.subarray(6), codes, block.subarray(2, 6), 128 - 16);
    },
  },
  Q5_1: {
    ...{ ...fourBits, bits: 8, table: "linear", offset: "minimum" },
    read(block, { codes, scales, offsets }) {
      scales[0] = half(block, 0);
      offsets[0] = half(block, 2);
      nibbles(block.subarray(8), codes, block.subarray(4, 8));
    },
  },
  Q8_0: {
    ...{ ...fourBits, bits: 8, table: "int8" },
    read(block, { codes, scales }) {
      scales[0] = half(block, 0);
      for (let i = 0; i < 32; i++) codes[i] = block[2 + i]! ^ 128;
    },
  },
  Q2_K: {
    ...{ ...kTypes, bits: 4, group: 16, table: "linear", offset: "minimum" },
    read(block, { codes, scales, offsets }) {
      const [d, least] = [half(block, 80), half(block, 82)];
      for (let group = 0; group < 16; group++) {
        scales[group] = d * (block[group]! & 15);
        offsets[group] = -least * (block[group]! >> 4);
      }
      for (let i = 0; i < 256; i++) codes[i] = (block[16 + (i >> 7) * 32 + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
    },
  },
  Q3_K: {
    ...{ ...kTypes, bits: 4, group: 16, table: "int4" },
    read(block, { codes, scales }) {
      const d = half(block, 108);
      const packed = block.subarray(96, 108);
      for (let group = 0; group < 16; group++) {
        const low = (packed[group & 7]! >> (group < 8 ? 0 : 4)) & 15;
        const high = (packed[8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
        scales[group] = d * ((low | (high << 4)) - 32);
      }
      for (let i = 0; i < 256; i++) {
        const low = (block[32 + (i >> 7) * 32 + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        const high = (block[i & 31]! >> (i >> 5)) & 1;
        codes[i] = 8 + low - (high ? 0 : 4);
      }
    },
  },
  Q4_K: {
    ...{ ...kTypes, bits: 4, group: 32, table: "linear", offset: "minimum" },
    read(block, to) {
      scaledGroups(block, to);
      for (let i = 0; i < 256; i++) to.codes[i] = (block[16 + (i >> 6) * 32 + (i & 31)]! >> (4 * ((i >> 5) & 1))) & 15;
    },
  },
  Q5_K: {
    ...{ ...kTypes, bits: 8, group: 32, table: "linear", offset: "minimum" },
    read(block, to) {
      scaledGroups(block, to);
      for (let i = 0; i < 256; i++) {
        const low = (block[48 + (i >> 6) * 32 + (i & 31)]! >> (4 * ((i >> 5) & 1))) & 15;
        to.codes[i] = low | (((block[16 + (i & 31)]! >> (i >> 5)) & 1) << 4);
      }
    },
  },
  Q6_K: {
    ...{ ...kTypes, bits: 8, group: 16, table: "int8" },
    read(block, { codes, scales }) {
      const d = half(block, 208);
      for (let group = 0; group < 16; group++) scales[group] = d * ((block[192 + group]! << 24) >> 24);
      for (let i = 0; i < 256; i++) {
        const [part, run] = [i >> 7, (i >> 5) & 3];
        const low = (block[part * 64 + (run & 1) * 32 + (i & 31)]! >> (run < 2 ? 0 : 4)) & 15;
        const high = (block[128 + part * 32 + (i & 31)]! >> (2 * run)) & 3;
        codes[i] = (low | (high << 4)) - 32 + 128;
      }
    },
  },
  IQ4_NL: {
    ...{ ...fourBits, table: "iq4nl" },
    read(block, { codes, scales }) {
      scales[0] = half(block, 0);
      nibbles(block.subarray(2), codes);
    },
  },
  IQ4_XS: {
    ...{ ...kTypes, bits: 4, group: 32, table: "iq4nl" },
    read(block, { codes, scales }) {
      const d = half(block, 0);
      const high = block[2]! | (block[3]! << 8);
      for (let group = 0; group < 8; group++) {
        const low = (block[4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
        scales[group] = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
        nibbles(block.subarray(8 + 16 * group), codes.subarray(32 * group));
      }
    },
  },
  MXFP4: {
    ...{ ...fourBits, table: "float4", scale: "exponent" },
    read(block, { codes, scales }) {
      scales[0] = 2 ** (block[0]! - 127);
      nibbles(block.subarray(1), codes);
    },
  },
};

/** Whole rows of blocks as codes, and what turns them into values. */
export function readGgmlBlocks(type: GgmlCodedType, bytes: Uint8Array, columns: number): CodedRows {
  const { block: length, bytes: size } = ggmlTypes[type];
  const { group, offset, read } = ggmlBlocks[type];
  const count = bytes.length / size;
  const codes = new Uint8Array(count * length);
  const scales = new Float32Array((count * length) / group);
  const offsets = new Float32Array(scales.length);
  const groups = length / group;
  for (let block = 0; block < count; block++) {
    read(bytes.subarray(block * size, (block + 1) * size), {
      codes: codes.subarray(block * length, (block + 1) * length),
      scales: scales.subarray(block * groups, (block + 1) * groups),
      offsets: offsets.subarray(block * groups, (block + 1) * groups),
    });
  }
  return { rows: codes.length / columns, columns, group, codes, scales, ...(offset !== "none" && { offsets }) };
}
