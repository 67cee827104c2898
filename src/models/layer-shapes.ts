import { z } from "zod";
import { count, parseFields, refuse, withDefault } from "./config.ts";

/** Fields of config.json that give layers of full attention other heads than those in a window (Gemma 4). */
export const layerShapeFields = {
  num_key_value_heads: withDefault(count, 4),
  head_dim: withDefault(count, 256),
  global_head_dim: withDefault(count, 512),
  num_global_key_value_heads: count.nullish(),
  attention_k_eq_v: withDefault(z.boolean(), false),
  per_layer_config: z.record(z.string(), z.record(z.string(), z.unknown())).nullish(),
};

/** Heads of one layer. */
export interface LayerShape {
  headDim: number;
  keyValueHeads: number;
}

const known = ["head_dim", "num_key_value_heads"];

/**
 * The heads of each layer. With `per_layer_config` (transformers 5.18 writes it) a layer has what it says there, the rest
 * what config.json says for all; without it, layers of full attention have `global_head_dim` and, where keys are values,
 * `num_global_key_value_heads`. Layers of one type share a rotary embedding, so that they have to be alike.
 */
export function layerShapes(
  config: {
    headDim: number;
    globalHeadDim: number;
    numKeyValueHeads: number;
    numGlobalKeyValueHeads?: number | null | undefined;
    attentionKEqV: boolean;
    perLayerConfig?: Record<string, Record<string, unknown>> | null | undefined;
  },
  types: readonly string[],
): LayerShape[] {
  const common: LayerShape = { headDim: config.headDim, keyValueHeads: config.numKeyValueHeads };
  if (config.perLayerConfig === undefined) {
    const other = config.attentionKEqV ? config.numGlobalKeyValueHeads : undefined;
    const full: LayerShape = { headDim: config.globalHeadDim, keyValueHeads: other ?? config.numKeyValueHeads };
    return types.map((type) => (type === "full_attention" ? full : common));
  }
  const shapes = types.map(() => common);
  for (const [key, given] of Object.entries(config.perLayerConfig ?? {})) {
    const field = `per_layer_config.${key}`;
    const layer = /^\d+$/.test(key) ? Number(key) : -1;
    refuse(!(layer >= 0 && layer < types.length), field, given, `layers 0 to ${types.length - 1}`);
    const other = Object.keys(given).find((name) => !known.includes(name));
    refuse(other !== undefined, `${field}.${other}`, given[other ?? ""], known.join(", "));
    const own = parseFields(z.object({ per_layer_config: z.object({ [key]: ownFields }) }), {
      per_layer_config: { [key]: given },
    });
    const { head_dim: headDim = common.headDim, num_key_value_heads: keyValueHeads = common.keyValueHeads } =
      own.per_layer_config[key]!;
    shapes[layer] = { headDim, keyValueHeads };
  }
  for (const [layer, type] of types.entries()) {
    const [first, own] = [shapes[types.indexOf(type)]!, shapes[layer]!];
    const alike = first.headDim === own.headDim && first.keyValueHeads === own.keyValueHeads;
    refuse(!alike, "per_layer_config", config.perLayerConfig, `equal sizes of all layers of type ${type}`);
  }
  return shapes;
}

/** No head is wider. The bound of the checkpoint is not known here. */
const size = count.max(65_536);
const ownFields = z.object({ head_dim: size.optional(), num_key_value_heads: size.optional() });
