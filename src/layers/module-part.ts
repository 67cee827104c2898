import type { ModulePart, Weight, WeightOrigin } from "../ops/program.ts";

/**
 * Whether a weight is what an op's `module` and `part` say, in its first layout: the whole `<module>.weight` (or the tensor
 * `tiedTo`), exactly these rows of it, or experts of the module. Vectors and tables are not looked at.
 */
export function isOfModule(weight: Weight, module: string, part?: ModulePart, tiedTo?: string): boolean {
  if (!weight.uses.includes("matmul")) return true;
  const tensor = tiedTo ?? `${module}.weight`;
  if (part === undefined) return weight.from.every((origin) => origin.tensor === tensor && origin.slice === undefined);
  if ("rows" in part) {
    const isRun = ({ tensor: of, slice }: WeightOrigin, index: number) =>
      of === tensor && slice?.start === part.rows[index]?.[0] && slice?.end === part.rows[index]?.[1];
    return weight.from.length === part.rows.length && weight.from.every(isRun);
  }
  const { experts, stacked } = part;
  const isInside = (origin: WeightOrigin) => origin.tensor.startsWith(`${module}.`) || origin.tensor.startsWith(`${stacked}.`);
  return weight.shape[0] === experts[1] - experts[0] && weight.from.every(isInside);
}
