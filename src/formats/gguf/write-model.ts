import { TsumugiError } from "../../errors.ts";
import type { GgufWriteTensor, GgufWriteValue } from "./write.ts";
import { type GgufFamily, ggufFamilies } from "./write-families.ts";
import { ropeMetadata } from "./write-rope.ts";

/** A tensor of the file, and what it is made of. */
export interface GgufTensorPlan extends Omit<GgufWriteTensor, "type"> {
  /** llama.cpp keeps it in float32: vectors, positions and routers. */
  isSmall: boolean;
  /** Tensors of the checkpoint whose values follow one another in it: one, or one for each expert. None: `values` has them. */
  parts: readonly { tensor: string; make(values: Float32Array): Float32Array }[];
  values?: Float32Array;
}

/** A model as a GGUF file has it. */
export interface GgufPlan {
  /** Metadata of the model; that of the tokenizer is apart. */
  metadata: { readonly [key: string]: GgufWriteValue };
  tensors: readonly GgufTensorPlan[];
}

interface Shaped {
  name: string;
  shape: readonly number[];
}

/**
 * How a checkpoint of transformers becomes a GGUF file that llama.cpp reads: metadata of its config.json, and for each tensor its
 * name, its shape and how its values are made, one tensor of the checkpoint after another.
 *
 * @param config config.json
 * @param tensors the checkpoint's tensors, under the names that transformers writes
 * @throws TsumugiError `gguf_unsupported` for architectures and tensors that have no place in such files
 * @example
 * ```ts
 * const { metadata, tensors } = planGguf(config, checkpoint.tensors());
 * const types = tensors.map((tensor) => ({ ...tensor, type: tensor.isSmall ? "F32" : "Q8_0" }) as const);
 * const { header, places } = layOutGguf(metadata, types);
 * ```
 */
export function planGguf(config: Readonly<Record<string, unknown>>, tensors: readonly Shaped[]): GgufPlan {
  const { model_type: type } = config;
  const family = typeof type === "string" && Object.hasOwn(ggufFamilies, type) ? ggufFamilies[type] : undefined;
  if (!family) return refuse(config, "model_type", type, Object.keys(ggufFamilies).join(", "));
  const rope = ropeMetadata(config, family.architecture);
  const prefixed = Object.entries({ ...family.metadata(config, tensors), ...rope.metadata }).map(
    ([key, value]) => [`${family.architecture}.${key}`, value] as const,
  );
  const freqs = rope.factors;
  return {
    metadata: { "general.architecture": { type: "string", value: family.architecture }, ...Object.fromEntries(prefixed) },
    tensors: [
      ...(freqs
        ? [{ name: "rope_freqs.weight", shape: [freqs.length], isSmall: true, parts: [], values: freqs } as GgufTensorPlan]
        : []),
      ...planTensors(family, config, tensors),
    ],
  };
}

function planTensors(
  family: GgufFamily,
  config: Readonly<Record<string, unknown>>,
  tensors: readonly Shaped[],
): GgufTensorPlan[] {
  const plans = new Map<string, GgufTensorPlan & { parts: { tensor: string; make(values: Float32Array): Float32Array }[] }>();
  const isTied = config.tie_word_embeddings ?? family.tiedByDefault ?? false;
  for (const { name, shape } of [...tensors].sort(inLayers)) {
    if (/rotary_emb\.inv_freq$|\.attn\.(masked_)?bias$/.test(name) || (isTied && name === "lm_head.weight")) continue;
    const made = family.place({ name, shape }, config);
    if (!made) return refuse(config, `the tensor ${name}`, name, `those of ${family.architecture} models`);
    for (const { name: own, shape: size, make, stacked } of made) {
      const plan = plans.get(own);
      if (plan) {
        plan.parts.push({ tensor: name, make });
        plan.shape = [plan.parts.length, ...plan.shape.slice(1)];
      } else {
        const isSmall = size.length < 2 || /bias$|ffn_gate_inp|position_embd/.test(own);
        plans.set(own, { name: own, shape: stacked ? [1, ...size] : size, isSmall, parts: [{ tensor: name, make }] });
      }
    }
  }
  return [...plans.values()];
}

/** Layers and experts in the order of their numbers. */
function inLayers(a: Shaped, b: Shaped): number {
  return a.name.localeCompare(b.name, "en", { numeric: true });
}

function refuse(config: Readonly<Record<string, unknown>>, what: string, given: unknown, supported: string): never {
  throw new TsumugiError("gguf_unsupported", { file: `A GGUF file of ${String(config.model_type)}`, what, given, supported });
}
