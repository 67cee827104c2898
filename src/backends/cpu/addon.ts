import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { TsumugiError } from "../../errors.ts";
import type { CodeLayout } from "../../tensor/code-layout.ts";
import type { QuantiserParameters } from "../../tensor/quantisers/quantiser.ts";
import type { StorageParameter } from "../../tensor/storage.ts";
import { missingAddon, packageRoot, staleAddon } from "./missing-addon.ts";

/** First dimension of a value, as native/include/step.h numbers them. */
export const rowKinds = { fixed: 0, T: 1, S: 2, R: 3 } as const;

/** How a weight is held, as native/include/step.h numbers them. */
export const weightKinds = { packed: 0, rows: 1, vector: 2 } as const;

export interface NativeValue {
  kind: number;
  /** How many rows a value of kind "fixed" has; other kinds do not read it. */
  rows: number;
  /** float32 values of one row. */
  width: number;
  /** Bytes into the workspace. */
  offset: number;
  /** Index among the outputs that a step keeps, or −1. */
  kept: number;
  /** Rounded to bfloat16 where it is written. */
  rounds: boolean;
}

export interface NativeOp {
  name: string;
  inputs: number[];
  outputs: number[];
  weights: number[];
  /** Indices into `NativePlan.parts`. */
  parts: number[];
  /** Attributes by name, with their defaults. The kernel reads them once. */
  attributes: { [name: string]: number | boolean | string | Float64Array };
  /** True when activations are bfloat16. */
  rounds: boolean;
}

/** `CodeLayout` as it crosses: a group of 0 columns is a whole row. */
export interface NativeCodes extends Omit<CodeLayout, "bits" | "group"> {
  group: number;
}

export interface NativeWeight {
  kind: number;
  /** "float32", "bfloat16", "float16"; "code4" or "code8": codes in the layout of `codes`. */
  storage: string;
  codes?: NativeCodes;
  /** What matmuls multiply: "float32" or "bfloat16". */
  arithmetic: string;
  /** What is multiplied by it goes through 8 bits, but for numbers of at least this size (0: all). Default: nothing does. */
  int8Threshold?: number;
  /** How many matrices of `rows` × `columns` the weight is: 1, or more for a stack. */
  groups: number;
  rows: number;
  columns: number;
  /** True for a vector whose values are rounded to bfloat16. */
  rounds: boolean;
}

export interface NativePart {
  state: number;
  /** Keys are held [headDim][blockTokens], values [blockTokens][headDim]. */
  transposed: boolean;
  bfloat16: boolean;
  int8: boolean;
  heads: number;
  dim: number;
  blocks: number;
}

/** A program as the addon runs it: a flat list of ops with all sizes known. */
export interface NativePlan {
  workers: number;
  maxTokens: number;
  maxSequences: number;
  maxLogitRows: number;
  values: NativeValue[];
  ops: NativeOp[];
  /** The ops from here on are the encoder's. */
  encodeFrom: number;
  weights: NativeWeight[];
  parts: NativePart[];
  workspaceBytes: number;
  /** float32 values of each output that a step keeps; the logits come first. */
  keptFloats: number[];
}

/** Where bytes begin. */
export interface NativePlace {
  /** Index into `files`, or −1: `memory` is an index into the plan's `memory`. */
  file: number;
  memory: number;
  offset: number;
}

/** A row-major matrix of plain numbers. */
export interface NativeMatrix {
  place: NativePlace;
  dtype: string;
  columns: number;
}

/** `LowRankChange`, with where its tensors are. */
export interface NativeChange {
  down: NativeMatrix;
  up: NativeMatrix;
  scale: number;
  exchanged: boolean;
  magnitude?: NativeMatrix;
}

export interface NativeOrigin {
  weight: number;
  tensor: string;
  /** "plain" numbers of `dtype`, or a kind of tensor/storages/. */
  storage: string;
  dtype: string;
  /** Where the matrix begins in each tensor: one of plain numbers, those of the storage in the order of its roles. */
  places: (NativePlace | null)[];
  /** What the storage says beside its tensors. */
  parameters: { [name: string]: StorageParameter };
  /** What makes codes of plain numbers, with its parameters: for weights that are held as codes. */
  quantiser?: string;
  quantise?: QuantiserParameters;
  storedRows: number;
  storedColumns: number;
  rowStart: number;
  rowEnd: number;
  columnStart: number;
  columnEnd: number;
  transposed: boolean;
  change?: NativeChange;
  /** First row of the weight; first value of a vector. */
  destination: number;
}

export interface NativeLoadPlan {
  files: string[];
  memory: Uint8Array[];
  origins: NativeOrigin[];
}

export interface NativeBatch {
  tokenIds: Int32Array;
  positions: Int32Array;
  sequenceStart: Int32Array;
  promptLength: Int32Array;
  rotaryLead?: Int32Array;
  padding?: Int32Array;
  logitRows: Int32Array;
  states: readonly { tableStart: Int32Array; table: Int32Array; length: Int32Array }[];
  copies: readonly { state: number; from: number; to: number }[];
}

export interface NativeSession {
  /** Resolves to false when it was cancelled. */
  load(plan: NativeLoadPlan, onProgress: (loadedBytes: number) => void): Promise<boolean>;
  cancelLoad(): void;
  run(batch: NativeBatch, encode: boolean): number;
  /** Picks from groups that are written as encode-groups.ts does, into `out` as native-picks.ts reads it. */
  sample(step: number, words: Int32Array, numbers: Float64Array, out: Int32Array): Promise<boolean>;
  read(step: number, output: number, rows: Int32Array, out: Float32Array): Promise<boolean>;
  release(step: number): void;
  /** Bytes that are in memory now. */
  memory(): { weights: number; cache: number; workspace: number };
  /** Gives the memory of the cache back to the system; no sequence may have tokens in it. */
  trim(): void;
  dispose(): Promise<boolean>;
}

/** The native addon's exports. They are declared nowhere else in TypeScript. */
export interface NativeAddon {
  Session: new (plan: NativePlan) => NativeSession;
  /** Instruction set in use, one of `instructionSets`. */
  isa(): string;
  /** The instruction sets that run here and that TSUMUGI_ISA allows, the best one last. */
  isas: readonly string[];
  /** Physical cores that this process may use. */
  defaultWorkers(): number;
  packedBytes(storage: string, rows: number, columns: number, codes?: NativeCodes): number;
  /** Bytes that kernels of a session of this plan work in, beside the plan's own workspace. */
  workspaceBytes(plan: NativePlan): number;
  /** Names of the ops that have a kernel. */
  kernels: readonly string[];
  /** Those of them whose kernels ask for memory to work in. */
  scratchKernels: readonly string[];
  blockTokens: number;
}

/** Tokens in one KV block; native/include/vector_kernels.h has the same number, which is checked when the addon is loaded. */
export const blockTokens = 32;

/** What TSUMUGI_ISA may say, as native/kernels/isa.cc names them. */
const instructionSets = [
  ...["scalar", "neon", "neon_dot", "neon_bf16"],
  ...["avx2", "avx_vnni", "avx512", "avx512_vnni", "avx512_bf16", "amx"],
];

let loaded: NativeAddon | undefined;

/**
 * The native addon, loaded once. `TSUMUGI_ADDON_PATH` names another file than native/build/Release/tsumugi.node.
 *
 * @throws TsumugiError `native_addon_missing` when it was not built or cannot be loaded; `invalid_option` where TSUMUGI_ISA
 * names no instruction set
 */
export function nativeAddon(): NativeAddon {
  loaded ??= loadAddon();
  return loaded;
}

/** Where the addon is, or should be. */
export function addonFile(): string {
  return process.env.TSUMUGI_ADDON_PATH ?? join(packageRoot(), "native/build/Release/tsumugi.node");
}

function loadAddon(): NativeAddon {
  const cap = process.env.TSUMUGI_ISA;
  if (cap && !instructionSets.includes(cap)) {
    const expected = `one of ${instructionSets.join(", ")}`;
    throw new TsumugiError("invalid_option", { option: "TSUMUGI_ISA", expected, given: cap });
  }
  const file = addonFile();
  if (!existsSync(file)) throw missingAddon(file);
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(file) as NativeAddon;
  } catch (cause) {
    throw missingAddon(file, cause);
  }
  const stale = staleness(addon);
  if (stale === undefined) return addon;
  throw staleAddon(file, stale);
}

/** Names of the exports, by kind: an addon of an older version lacks some. */
const functions = ["Session", "isa", "defaultWorkers", "packedBytes", "workspaceBytes"] as const;
const lists = ["kernels", "scratchKernels"] as const;

/** What tells that an addon was built from other sources than this code; undefined: nothing does. */
function staleness(addon: Partial<NativeAddon>): string | undefined {
  const absent =
    functions.find((name) => typeof addon[name] !== "function") ?? lists.find((name) => !Array.isArray(addon[name]));
  if (absent !== undefined) return `it has no \`${absent}\``;
  return addon.blockTokens === blockTokens ? undefined : `blocks of ${addon.blockTokens} tokens`;
}
