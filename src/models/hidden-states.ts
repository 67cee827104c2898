import type { Model } from "../ops/program.ts";

/** An op of a layer: "model.layers.3.self_attn.q_proj", "transformer.h.3". */
const layerOf = /^(.*\.\d+)(?:\.|$)/;

/** Name of the tap that holds what layer `layer` reads. */
const tapName = (layer: number) => `hidden.${layer}`;

/**
 * The model with taps "hidden.0", "hidden.1", …: what each layer of the decoder reads, [T, hiddenSize]. The first value
 * that a layer's first op reads is the stream between the layers, with a norm in front of the layer or behind it.
 * The same model where a layer's input is not of that shape, or where it is several.
 */
export function withHiddenStates(model: Model): Model {
  if (model.streams !== undefined && model.streams > 1) return model;
  const { decode } = model.programs;
  const inputs = new Map<string, number>();
  for (const { module, inputs: read } of decode.ops) {
    const layer = layerOf.exec(module)?.[1];
    if (layer !== undefined && !inputs.has(layer) && read[0] !== undefined) inputs.set(layer, read[0]);
  }
  const values = [...inputs.values()];
  const isStream = (value: number) => decode.values[value]!.shape.join() === `T,${model.hiddenSize}`;
  if (!values.every(isStream)) return model;
  const taps = Object.fromEntries(values.map((value, layer) => [tapName(layer), value]));
  return { ...model, programs: { ...model.programs, decode: { ...decode, outputs: { ...taps, ...decode.outputs } } } };
}

/** Outputs that make the hidden states of a token: what each layer reads, then what stands behind the last norm. Undefined without taps. */
export function hiddenStateOutputs({ programs }: Model): string[] | undefined {
  const { outputs } = programs.decode;
  const taps: string[] = [];
  while (outputs[tapName(taps.length)] !== undefined) taps.push(tapName(taps.length));
  return taps.length > 0 ? [...taps, "hidden"] : undefined;
}
