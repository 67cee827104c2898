import type { Architecture } from "./define.ts";

/** What multimodal checkpoints call the module that holds the text model. */
const parts = ["language_model", "text_model", "thinker"];

/** How a checkpoint names tensors of the base model, whose own names start with `prefix`, and all others (the head). */
interface Layout {
  base: string;
  others: readonly string[];
}

/**
 * Finds tensors of a model by their own names: under them, without the base model's prefix (a checkpoint of the base model
 * alone) or with the prefix once more, under older names, or inside a multimodal checkpoint ("model.language_model.", "language_model.model.", …).
 * One layout holds for the whole checkpoint: the one that has the embedding.
 *
 * @returns The tensor's name in the checkpoint, or undefined.
 */
export function tensorFinder(
  { prefix, tie, olderNames }: Architecture,
  names: { has(tensor: string): boolean },
): (tensor: string) => string | undefined {
  const layouts: Layout[] = [
    { base: prefix, others: [""] },
    { base: "", others: [""] },
    // the base model inside itself ("model.model."), which transformers takes as well
    { base: prefix + prefix, others: [prefix] },
    ...parts.flatMap((part) =>
      // transformers 5 writes the fourth for audio models
      [`model.${part}.`, `${part}.${prefix}`, `${part}.`, `${part}.model.${prefix}`, `model.${part}.${prefix}`].map((base) => ({
        base,
        others: ["", `${part}.`, `model.${part}.`],
      })),
    ),
  ];
  const older = (name: string): string | undefined => {
    const module = Object.keys(olderNames).find((current) => name.startsWith(`${current}.`));
    return module && olderNames[module] + name.slice(module.length);
  };
  const findIn = ({ base, others }: Layout, tensor: string): string | undefined => {
    for (const name of [tensor, older(tensor)]) {
      if (name === undefined) continue;
      const candidates = name.startsWith(prefix) ? [base + name.slice(prefix.length)] : others.map((outer) => outer + name);
      const found = candidates.find((candidate) => names.has(candidate));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const layout = layouts.find((candidate) => findIn(candidate, `${tie.embedding}.weight`) !== undefined);
  const order = layout ? [layout, ...layouts.slice(0, 3)] : layouts;
  return (tensor) => {
    for (const candidate of order) {
      const found = findIn(candidate, tensor);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
