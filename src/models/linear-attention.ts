import { z } from "zod";
import { count, decoderFields, optional, refuse, withDefault } from "./config.ts";

/** Fields of config.json of models whose layers are gated delta nets or attention. */
export const linearAttentionFields = {
  ...decoderFields,
  max_position_embeddings: withDefault(count, 32768),
  head_dim: withDefault(count, 256),
  attention_bias: withDefault(z.boolean(), false),
  layer_types: optional(z.array(z.string())),
  full_attention_interval: withDefault(count, 4),
  linear_conv_kernel_dim: withDefault(count, 4),
  linear_key_head_dim: withDefault(count, 128),
  linear_value_head_dim: withDefault(count, 128),
  linear_num_key_heads: withDefault(count, 16),
  linear_num_value_heads: withDefault(count, 32),
};

/** Whether each layer is attention; if not, it is a gated delta net. By default every fourth is. */
export function attentionLayers(config: {
  numHiddenLayers: number;
  layerTypes: string[] | undefined;
  fullAttentionInterval: number;
}): boolean[] {
  const { numHiddenLayers: layers, layerTypes, fullAttentionInterval } = config;
  refuse(layerTypes !== undefined && layerTypes.length !== layers, "layer_types", layerTypes, `${layers} entries`);
  return Array.from({ length: layers }, (_, layer) => {
    const type = layerTypes?.[layer];
    if (type === undefined) return (layer + 1) % fullAttentionInterval === 0;
    refuse(
      !["full_attention", "linear_attention"].includes(type),
      `layer_types.${layer}`,
      type,
      "full_attention, linear_attention",
    );
    return type === "full_attention";
  });
}
