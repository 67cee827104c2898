import { z } from "zod";
import { count, optional, refuse, withDefault } from "./config.ts";

/** Fields of config.json that say which layers have a sliding window (Qwen). */
export const layerTypeFields = {
  use_sliding_window: withDefault(z.boolean(), false),
  sliding_window: optional(count),
  max_window_layers: withDefault(z.int().nonnegative(), 28),
  layer_types: optional(z.array(z.string())),
};

/**
 * The window of each layer, undefined where there is none: by `layer_types`, else layers from `max_window_layers` on,
 * and only where `use_sliding_window` is true.
 */
export function layerWindows(config: {
  numHiddenLayers: number;
  useSlidingWindow: boolean;
  slidingWindow: number | undefined;
  maxWindowLayers: number;
  layerTypes: string[] | undefined;
}): (number | undefined)[] {
  const { numHiddenLayers, maxWindowLayers, layerTypes } = config;
  const window = config.useSlidingWindow ? config.slidingWindow : undefined;
  refuse(
    layerTypes !== undefined && layerTypes.length !== numHiddenLayers,
    "layer_types",
    layerTypes,
    `${numHiddenLayers} entries`,
  );
  return Array.from({ length: numHiddenLayers }, (_, layer) => {
    const type = layerTypes?.[layer] ?? (layer >= maxWindowLayers ? "sliding_attention" : "full_attention");
    refuse(
      type !== "sliding_attention" && type !== "full_attention",
      `layer_types.${layer}`,
      type,
      "full_attention, sliding_attention",
    );
    return type === "sliding_attention" ? window : undefined;
  });
}
