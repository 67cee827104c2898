import type { EncodeProgram, Model, Program } from "../ops/program.ts";

/** Name of the tap that holds what layer `layer` reads; of an encoder's, names of their own. */
const tapName = (layer: number) => `hidden.${layer}`;
const encoderTapName = (layer: number) => `encoder.${tapName(layer)}`;

/**
 * The model with taps "hidden.0", "hidden.1", …: what each layer of the decoder reads, [T, hiddenSize]. The first value
 * that a layer's first op reads is the stream between the layers, whether the layer norms it or not.
 * Encoder-decoder models have "encoder.hidden.0", … too, the last being what the encoder gives.
 * The same model where a layer's input is not of that shape, or where it is several.
 */
export function withHiddenStates(model: Model): Model {
  if (model.streams !== undefined && model.streams > 1) return model;
  const { decode, encode } = model.programs;
  const taps = tapsOf(decode, model.hiddenSize, tapName);
  const encoderTaps = encode && tapsOf(encode, model.hiddenSize, encoderTapName);
  if (!taps || (encode && !encoderTaps)) return model;
  const programs = { ...model.programs, decode: { ...decode, outputs: { ...taps, ...decode.outputs } } };
  if (!encode || !encoderTaps) return { ...model, programs };
  const last = encoderTapName(Object.keys(encoderTaps).length);
  const outputs = { ...encoderTaps, [last]: encode.outputs.hidden, ...encode.outputs };
  return { ...model, programs: { ...programs, encode: { ...encode, outputs } } };
}

/** What each layer reads, by name; undefined where it is not of the model's width. */
function tapsOf(
  { ops, values }: Program | EncodeProgram,
  hiddenSize: number,
  nameOf: (layer: number) => string,
): { [tap: string]: number } | undefined {
  const inputs = new Map<number, number>();
  for (const { layer, inputs: read } of ops) {
    if (layer !== undefined && !inputs.has(layer) && read[0] !== undefined) inputs.set(layer, read[0]);
  }
  const streams = [...inputs.values()];
  if (!streams.every((value) => values[value]!.shape.join() === `T,${hiddenSize}`)) return undefined;
  return Object.fromEntries(streams.map((value, layer) => [nameOf(layer), value]));
}

/** Outputs that make the hidden states of a token, and of a token of the encoder's input. */
export interface HiddenStateOutputs {
  /** What each layer reads, then the output of the last norm. */
  decoder: readonly string[];
  encoder?: readonly string[];
}

/** Undefined without taps. */
export function hiddenStateOutputs({ programs }: Model): HiddenStateOutputs | undefined {
  const named = (outputs: object, nameOf: (layer: number) => string) => {
    const taps: string[] = [];
    while (nameOf(taps.length) in outputs) taps.push(nameOf(taps.length));
    return taps;
  };
  const decoder = named(programs.decode.outputs, tapName);
  if (decoder.length === 0) return undefined;
  return {
    decoder: [...decoder, "hidden"],
    ...(programs.encode && { encoder: named(programs.encode.outputs, encoderTapName) }),
  };
}
