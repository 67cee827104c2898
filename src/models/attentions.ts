import type { EncodeProgram, Model, Program } from "../ops/program.ts";

/** The attention of one layer, as a caller can read it. */
export interface AttentionOutput {
  /** Its name in `Program.attentions`. */
  output: string;
  heads: number;
  /** Most keys that the layer's cache keeps for a token, itself included; absent: all. */
  window?: number;
}

/** The attention of a model by what is attended to, each in the order of its layers (those that attend). */
export interface AttentionOutputs {
  decoder: readonly AttentionOutput[];
  cross: readonly AttentionOutput[];
  encoder: readonly AttentionOutput[];
}

/**
 * The model with names for all its `attend` ops, so that their shares can be read: "attention.0", …, of encoder-decoder
 * models "cross.attention.0", … and "encoder.attention.0", … too.
 */
export function withAttentions(model: Model): Model {
  const { decode, encode } = model.programs;
  const programs = { ...model.programs, decode: { ...decode, attentions: namesOf(model, decode, "") } };
  if (encode) programs.encode = { ...encode, attentions: namesOf(model, encode, "encoder.") };
  return { ...model, programs };
}

function namesOf(model: Model, { ops }: Program | EncodeProgram, prefix: string): { [output: string]: number } {
  const names: { [output: string]: number } = {};
  const counts = new Map<string, number>();
  for (const [index, { op, state }] of ops.entries()) {
    if (op !== "attend") continue;
    const kind = prefix || (model.states[state!.state]!.kind === "cross" ? "cross." : "");
    const layer = counts.get(kind) ?? 0;
    counts.set(kind, layer + 1);
    names[`${kind}attention.${layer}`] = index;
  }
  return names;
}

/** Undefined where nothing attends, or the attention has no names. */
export function attentionOutputs({ programs: { decode, encode } }: Model): AttentionOutputs | undefined {
  const listed = (program: Program | EncodeProgram | undefined, prefix: string): AttentionOutput[] =>
    Object.entries(program?.attentions ?? {})
      .filter(([output]) => output.startsWith(`${prefix}attention.`))
      .map(([output, index]) => {
        const { heads, window, chunk } = program!.ops[index]!.attributes;
        const most = window ?? chunk;
        return { output, heads: Number(heads), ...(most !== undefined && { window: Number(most) }) };
      });
  const outputs = { decoder: listed(decode, ""), cross: listed(decode, "cross."), encoder: listed(encode, "encoder.") };
  return outputs.decoder.length > 0 ? outputs : undefined;
}
