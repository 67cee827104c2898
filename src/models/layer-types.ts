import { z } from "zod";
import { count, optional, refuse, withDefault } from "./config.ts";

/** Fields of config.json that say which layers have a sliding window. */
export const slidingFields = {
  sliding_window: optional(count),
  layer_types: optional(z.array(z.string())),
};

/** Fields of config.json that say the same for Qwen. */
export const layerTypeFields = {
  use_sliding_window: withDefault(z.boolean(), false),
  sliding_window: optional(count),
  max_window_layers: withDefault(z.int().nonnegative(), 28),
  layer_types: optional(z.array(z.string())),
};

/**
 * The window of each layer, undefined where there is none: `slidingWindow` where `layer_types` says sliding_attention, or
 * where `slides` says so when there is no `layer_types`.
 */
export function windowsByType(
  config: { numHiddenLayers: number; slidingWindow: number | undefined; layerTypes: string[] | undefined },
  slides: (layer: number) => boolean,
): (number | undefined)[] {
  const { numHiddenLayers, slidingWindow, layerTypes } = config;
  return layerTypesOf(numHiddenLayers, layerTypes, slides).map((type) => {
    if (type === "full_attention") return undefined;
    refuse(slidingWindow === undefined, "sliding_window", null, "a number, because layers slide");
    return slidingWindow;
  });
}

/** The type of each layer, checked. */
export function layerTypesOf(
  layers: number,
  layerTypes: readonly string[] | undefined,
  slides: (layer: number) => boolean,
): string[] {
  const known = ["full_attention", "sliding_attention"];
  refuse(layerTypes !== undefined && layerTypes.length !== layers, "layer_types", layerTypes, `${layers} entries`);
  return Array.from({ length: layers }, (_, layer) => {
    const type = layerTypes?.[layer] ?? (slides(layer) ? "sliding_attention" : "full_attention");
    refuse(!known.includes(type), `layer_types.${layer}`, type, known.join(", "));
    return type;
  });
}

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
  return layerTypesOf(numHiddenLayers, layerTypes, (layer) => layer >= maxWindowLayers).map((type) =>
    type === "sliding_attention" ? window : undefined,
  );
}

/**
 * The layer whose keys and values each layer reads: its own, or of the last `shared` (`num_kv_shared_layers`) ones the last
 * of its type before them (Gemma 3n, Gemma 4).
 */
export function keyValueSources(types: readonly string[], shared: number): number[] {
  const own = types.length - shared;
  refuse(own < 1, "num_kv_shared_layers", shared, `less than num_hidden_layers (${types.length})`);
  return types.map((type, layer) => {
    if (layer < own) return layer;
    const source = types.lastIndexOf(type, own - 1);
    refuse(source < 0, "num_kv_shared_layers", shared, `a layer of type ${type} that does not share`);
    return source;
  });
}
