import type { GgufFields } from "./fields.ts";
import type { GgufTensor } from "./header.ts";

/** Values of small tensors that the configuration is made of. */
export type SmallTensors = ReadonlyMap<string, Float32Array>;

/** Where a tensor stands in the model of transformers, and how it differs from there. */
export interface TensorPlace {
  /** Name of the plain tensor. */
  name: string;
  /** Rows and columns are exchanged. */
  transposed?: boolean;
  /** Rows of each head stand as pairs: see `GgmlStorage`. */
  heads?: number;
  /** The first axis counts experts, each a tensor of its own; `name` has `{e}` for its number. */
  experts?: boolean;
  /** Its rows are every other one of the tensor: the even ones, or the odd ones. */
  turn?: "even" | "odd";
  /** Added to each value of a vector. */
  add?: number;
}

/** How files of one architecture are read. */
export interface GgufArchitecture {
  /** config.json of the model, as transformers has it. */
  config(fields: GgufFields, small: SmallTensors): Record<string, unknown>;
  /** Where a tensor belongs; undefined where the model has no place for it. `config`: what the above gives. */
  place(tensor: GgufTensor, config: Record<string, unknown>): TensorPlace | undefined;
}

/** Tensors that are read for the configuration. */
export const smallTensors = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"] as const;

/** Names of modules, by those of llama.cpp: `{n}` is the number of the layer. */
export type ModuleNames = { readonly [module: string]: string };

/** A name of llama.cpp in its parts. */
export interface NameParts {
  /** Number of the layer; undefined for tensors outside of layers. */
  layer: string | undefined;
  module: string;
  /** "weight", "bias" or nothing. */
  kind: string;
  /** Number of the expert in files that have one tensor for each. */
  expert: string | undefined;
}

const nameForm = /^(?:blk\.(\d+)\.)?([a-z_0-9]+?)(?:\.(\d+))?(?:\.(weight|bias))?$/;

export function nameParts(name: string): NameParts | undefined {
  const found = nameForm.exec(name);
  return found ? { layer: found[1], module: found[2]!, kind: found[4] ?? "", expert: found[3] } : undefined;
}

/** The name in the model of a module's tensor. */
export function modelName(module: string, { layer, kind }: Pick<NameParts, "layer" | "kind">): string {
  const name = module.replace("{n}", layer ?? "");
  return kind === "" ? name : `${name}.${kind}`;
}
